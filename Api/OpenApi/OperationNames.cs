using System.Globalization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>Gives each operation an id, by which generated clients call it, and a tag, both from its path.</summary>
internal sealed class OperationNames : IOpenApiOperationTransformer
{
    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var segments = (context.Description.RelativePath ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries);
        operation.OperationId = string.Concat(
            [(context.Description.HttpMethod ?? "").ToLowerInvariant(), .. segments.Select(Capitalised)]);
        var tag = segments switch
        {
            ["v2", ..] => "open inference protocol",
            [_, var second, ..] => second,
            [var first] => first,
            _ => "api",
        };
        context.Document?.Tags ??= new HashSet<OpenApiTag>();
        if (context.Document?.Tags is { } tags && tags.All(t => t.Name != tag))
        {
            tags.Add(new OpenApiTag { Name = tag });
        }

        operation.Tags = new HashSet<OpenApiTagReference> { new(tag, context.Document) };
        return Task.CompletedTask;
    }

    private static string Capitalised(string segment) =>
        string.Concat(
            segment.Trim('{', '}').Replace("}:{", "-", StringComparison.Ordinal).Split('-', '_').Where(w => w.Length > 0)
                .Select(w => char.ToUpper(w[0], CultureInfo.InvariantCulture) + w[1..]));
}
