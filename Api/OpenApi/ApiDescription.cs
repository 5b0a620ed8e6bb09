using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>What is true of the whole document: what it describes, how one proves who one is, the two forms of errors.</summary>
internal sealed class ApiDescription : IOpenApiDocumentTransformer
{
    public const string Bearer = "bearer";
    public const string ApiKey = "apiKey";

    /// <summary>Of <c>/v2</c>.</summary>
    public const string ProtocolError = "Error";

    /// <summary>Of all else.</summary>
    public const string Problem = "Problem";

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Inference API",
            Version = context.DocumentName,
            Description = "/v2 is the Open Inference Protocol v2 over REST with its extensions; /v1 is the platform's own. "
                + "JSON is UTF-8 with snake_case names. Errors of /v2 are {\"error\": \"...\"}, all others problem details (RFC 9457). "
                + "Requests beyond a limit of the caller's tenant are answered 429, those that find a full queue 503, both with Retry-After in seconds.",
        };

        // Where it is served is for the reader to know: the copy in the repository has no address.
        document.Servers = [new OpenApiServer { Url = "/" }];

        // The framework named one after the class of each endpoint too; OperationNames gave the operations better ones.
        var used = document.Paths.Values
            .SelectMany(path => path.Operations ?? [])
            .SelectMany(operation => operation.Value.Tags ?? new HashSet<OpenApiTagReference>())
            .Select(tag => tag.Name)
            .ToHashSet(StringComparer.Ordinal);
        document.Tags = document.Tags?.Where(tag => used.Contains(tag.Name)).ToHashSet();
        document.AddComponent<IOpenApiSecurityScheme>(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "An API key, or a token that POST /v1/auth/token gave for one.",
        });
        document.AddComponent<IOpenApiSecurityScheme>(ApiKey, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.ApiKey,
            In = ParameterLocation.Header,
            Name = "X-API-Key",
            Description = "An API key.",
        });
        document.AddComponent<IOpenApiSchema>(ProtocolError, Texts("error"));
        document.AddComponent<IOpenApiSchema>(Problem, ProblemSchema());
        return Task.CompletedTask;
    }

    private static OpenApiSchema Texts(params string[] names) => new()
    {
        Type = JsonSchemaType.Object,
        Required = names.ToHashSet(StringComparer.Ordinal),
        Properties = names.ToDictionary(
            n => n, IOpenApiSchema (_) => new OpenApiSchema { Type = JsonSchemaType.String }, StringComparer.Ordinal),
    };

    private static OpenApiSchema ProblemSchema()
    {
        var schema = Texts("type", "title", "detail", "traceId");
        schema.Required = new HashSet<string>(["title", "status"], StringComparer.Ordinal);
        schema.Properties!["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer };
        schema.Properties["errors"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "What is wrong, by field.",
            AdditionalProperties =
                new OpenApiSchema { Type = JsonSchemaType.Array, Items = new OpenApiSchema { Type = JsonSchemaType.String } },
        };
        return schema;
    }
}
