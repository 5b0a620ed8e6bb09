using System.Globalization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>
/// Adds the errors that follow from what an endpoint is: with credentials, parameters of its path, a body. Those that it names itself
/// (<c>ProducesProblem(409)</c>) get the form of its path.
/// </summary>
internal sealed class OperationErrors : IOpenApiOperationTransformer
{
    private static readonly Dictionary<int, string> Descriptions = new()
    {
        [400] = "The request is not understood, or does not fit: the message names the field.",
        [401] = "Credentials are missing, unknown, revoked or expired.",
        [403] = "These credentials do not allow this.",
        [404] = "There is no such thing.",
        [409] = "It stands against what is there.",
        [410] = "It is gone.",
        [412] = "It has changed since it was read.",
        [413] = "The body is larger than allowed.",
        [415] = "The body's encoding or type is not supported.",
        [422] = "The idempotency key was used for another request.",
        [429] = "A limit of the caller's tenant is reached.",
        [500] = "The service failed in a way it did not expect; its log has the details under the trace id.",
        [503] = "The queue is full, no worker can load the model, or a server behind the Api is away.",
        [504] = "The timeout passed.",
    };

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var isProtocol = context.Description.RelativePath?.StartsWith("v2", StringComparison.Ordinal) == true;
        var own = context.Description.ActionDescriptor.EndpointMetadata.OfType<EndpointErrors>().LastOrDefault();
        // Its other answers have made the schema.
        var form = own is null ? null : new OpenApiSchemaReference(own.Type.Name, context.Document);
        operation.Responses ??= [];
        foreach (var status in StatusesOf(operation, context))
        {
            operation.Responses.TryAdd(status.ToString(CultureInfo.InvariantCulture), new OpenApiResponse());
        }

        foreach (var (text, response) in operation.Responses)
        {
            var status = int.Parse(text, CultureInfo.InvariantCulture);
            if (status >= 400 && response is OpenApiResponse error)
            {
                Describe(error, status, isProtocol, form, context.Document);
            }
        }

        var sorted = operation.Responses.OrderBy(r => r.Key, StringComparer.Ordinal).ToList();
        operation.Responses.Clear();
        sorted.ForEach(r => operation.Responses.Add(r.Key, r.Value));
        return Task.CompletedTask;
    }

    private static IEnumerable<int> StatusesOf(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        var hasBody = operation.RequestBody is not null;
        if (hasBody || operation.Parameters?.Any(p => p.In == ParameterLocation.Query) == true)
        {
            yield return StatusCodes.Status400BadRequest;
        }

        if (OperationAccess.IsAuthorized(context))
        {
            yield return StatusCodes.Status401Unauthorized;
            yield return StatusCodes.Status403Forbidden;
            yield return StatusCodes.Status429TooManyRequests;
            yield return StatusCodes.Status503ServiceUnavailable;
        }

        if (operation.Parameters?.Any(p => p.In == ParameterLocation.Path) == true)
        {
            yield return StatusCodes.Status404NotFound;
        }

        if (hasBody)
        {
            yield return StatusCodes.Status413PayloadTooLarge;
        }

        yield return StatusCodes.Status500InternalServerError;
    }

    private static void Describe(
        OpenApiResponse response, int status, bool isProtocol, OpenApiSchemaReference? form, OpenApiDocument? document)
    {
        response.Description = Descriptions.GetValueOrDefault(status, response.Description ?? "An error.");

        // What an endpoint says of its own body stands: not being ready is an answer.
        if (form is not null)
        {
            response.Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                ["application/json"] = new OpenApiMediaType { Schema = form },
            };
        }
        else if (response.Content is not { Count: > 0 } || !isProtocol)
        {
            response.Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
            {
                [isProtocol ? "application/json" : "application/problem+json"] = new OpenApiMediaType
                {
                    Schema = new OpenApiSchemaReference(isProtocol ? ApiDescription.ProtocolError : ApiDescription.Problem, document),
                },
            };
        }

        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            response.Headers ??= new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal);
            response.Headers["Retry-After"] = new OpenApiHeader
            {
                Description = "Seconds after which to come again.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.Integer },
            };
        }
    }
}
