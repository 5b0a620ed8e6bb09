using System.Security.Cryptography;
using Scalar.AspNetCore;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>
/// The page that shows the document and tries its operations: Scalar, from its package. Its own policy lets it run that script alone, and
/// talk to this server alone; every other answer keeps the policy that runs nothing.
/// </summary>
internal static class OpenApiPage
{
    public static void MapOpenApiPage(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapScalarApiReference("/openapi", Configure).AllowAnonymous().ExcludeFromDescription();

    private static void Configure(ScalarOptions options, HttpContext context)
    {
        var nonce = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        context.Response.Headers.ContentSecurityPolicy = Policy(nonce);
        options.WithNonce(nonce)
            .AddHeadContent(StyleNonce(nonce))
            .WithTitle("Inference API")
            .AddDocument(OpenApiRegistration.Document)
            .DisableDefaultFonts()
            .DisableTelemetry()
            .DisableAgent()
            .DisableMcp()
            .HideClientButton()
            .HideDeveloperTools();
    }

    // Attributes can't carry a nonce, and Scalar lays parts of the page out by them. They run nothing, and there is nowhere to send to.
    private static string Policy(string nonce) =>
        $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src-elem 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
        + "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    // Scalar gives the nonce of the meta element to its main style, but not to those of the libraries in it. Markup gets none by this.
    private static string StyleNonce(string nonce) => $$"""
        <meta property="csp-nonce" content="{{nonce}}" />
            <script nonce="{{nonce}}">
                const create = document.createElement;
                document.createElement = function (name, options) {
                    const element = create.call(this, name, options);
                    if (element instanceof HTMLStyleElement) {
                        element.nonce = "{{nonce}}";
                    }
                    return element;
                };
            </script>
        """;
}
