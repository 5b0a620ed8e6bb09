using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>
/// The Api's OpenAPI 3.1 document, <c>/openapi/v1.json</c>, and a page that shows it, <c>/openapi</c>. It is made of the endpoints and
/// their
/// metadata, whichever slices are there; <c>scripts/openapi.sh</c> keeps a copy in the repository.
/// </summary>
internal static class OpenApiRegistration
{
    public const string Document = "v1";

    public static IServiceCollection AddOpenApiDocument(this IServiceCollection services)
    {
        services.AddOptions<OpenApiDocumentOptions>().BindConfiguration(OpenApiDocumentOptions.Section);

        // Only for the schemas: every endpoint names the generated JSON that it writes.
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = new SchemaNames();
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower));
        });
        return services.AddOpenApi(Document, options =>
        {
            options.AddDocumentTransformer<ApiDescription>();
            options.AddOperationTransformer<OperationNames>();
            options.AddOperationTransformer<OperationAccess>();
            options.AddOperationTransformer<OperationBodies>();
            options.AddOperationTransformer<OperationErrors>();
        });
    }

    public static void MapOpenApiDocument(this WebApplication app)
    {
        if (app.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<OpenApiDocumentOptions>>().Value.Enabled)
        {
            app.MapOpenApi("/openapi/{documentName}.json").AllowAnonymous();
            app.MapOpenApiPage();
        }
    }
}

internal sealed class OpenApiDocumentOptions
{
    public const string Section = "OpenApi";

    /// <summary>Whether the document and its page are served, to anybody. Default true.</summary>
    public bool Enabled { get; set; } = true;
}
