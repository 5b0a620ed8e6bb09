using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Web.SignIn;

internal static class SignOut
{
    public const string Path = "/sign-out";

    public static void MapSignOut(this IEndpointRouteBuilder app) => app.MapPost(Path, HandleAsync).AllowAnonymous();

    // A handler that binds no form gets no antiforgery check from the middleware, hence the explicit one.
    private static async Task<Results<RedirectHttpResult, BadRequest>> HandleAsync(HttpContext context, IAntiforgery antiforgery)
    {
        if (!await antiforgery.IsRequestValidAsync(context))
        {
            return TypedResults.BadRequest();
        }

        await context.SignOutAsync();
        return TypedResults.LocalRedirect(SignInSetup.Path + "?signedOut=true");
    }
}
