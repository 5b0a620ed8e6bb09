using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Web.SignIn;

internal static class SignOut
{
    public const string Path = "/sign-out";

    // The attribute has the form checked, which otherwise only happens for handlers that bind one.
    public static void MapSignOut(this IEndpointRouteBuilder app) =>
        app.MapPost(Path, (Delegate)HandleAsync).AllowAnonymous().WithMetadata(new RequireAntiforgeryTokenAttribute());

    private static async Task<RedirectHttpResult> HandleAsync(HttpContext context)
    {
        await context.SignOutAsync();
        return TypedResults.LocalRedirect(SignInSetup.Path + "?signedOut=true");
    }
}
