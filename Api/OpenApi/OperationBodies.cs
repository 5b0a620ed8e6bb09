using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>Adds the bodies that endpoints read themselves, and shows the examples that they carry.</summary>
internal sealed class OperationBodies : IOpenApiOperationTransformer
{
    private const string Json = "application/json";
    private const string Bytes = "application/octet-stream";

    public async Task TransformAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<EndpointBody>().LastOrDefault() is not { } body)
        {
            return;
        }

        if (body.Type is not null)
        {
            operation.RequestBody =
                new OpenApiRequestBody { Required = true, Content = await ContentAsync(body, context, cancellationToken) };
        }

        Show(operation.RequestBody?.Content, body.Request);
        Show(operation.Responses?.FirstOrDefault(r => r.Key[0] == '2').Value?.Content, body.Response);
    }

    private static async Task<Dictionary<string, OpenApiMediaType>> ContentAsync(
        EndpointBody body, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal);
        if (body.Type != typeof(byte[]))
        {
            content[Json] = new OpenApiMediaType
            {
                Schema = await context.GetOrCreateSchemaAsync(body.Type!, cancellationToken: cancellationToken),
            };
        }

        foreach (var media in body.Type == typeof(byte[]) ? [Bytes, .. body.OtherMedia] : body.OtherMedia)
        {
            content[media] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };
        }

        return content;
    }

    private static void Show(IDictionary<string, OpenApiMediaType>? content, string? example)
    {
        if (example is not null && content?.TryGetValue(Json, out var media) == true)
        {
            media.Example = JsonNode.Parse(example);
        }
    }
}
