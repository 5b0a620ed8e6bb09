using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>The page that shows the document: three files of this program, nothing from elsewhere.</summary>
internal static class OpenApiPage
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void MapOpenApiPage(this IEndpointRouteBuilder endpoints)
    {
        var page = endpoints.MapGroup("/openapi").AllowAnonymous().ExcludeFromDescription();
        page.MapGet("", (HttpResponse response) => Show(response, "page.html", "text/html; charset=utf-8"));
        page.MapGet("/page.css", (HttpResponse response) => Show(response, "page.css", "text/css; charset=utf-8"));
        page.MapGet("/page.js", (HttpResponse response) => Show(response, "page.js", "text/javascript; charset=utf-8"));
    }

    private static FileStreamHttpResult Show(HttpResponse response, string file, string type)
    {
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-cache";
        return TypedResults.Stream(Assembly.GetExecutingAssembly().GetManifestResourceStream($"OpenApiPage.{file}")!, type);
    }
}
