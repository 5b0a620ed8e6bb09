using System.Text;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.SignIn;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Web.Components.Console;

/// <summary>The month's statement as a file: a browser that follows a link has the session's cookie, and not the Api's token.</summary>
internal static class StatementDownload
{
    public const string Path = "/usage/statement.csv";

    public static void MapStatementDownload(this IEndpointRouteBuilder app) => app.MapGet(Path, HandleAsync);

    private static async Task<Results<FileContentHttpResult, RedirectHttpResult, StatusCodeHttpResult>> HandleAsync(
        HttpContext context, AdministrationApi administration, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Session.From(context.User) is not { } session)
        {
            return TypedResults.LocalRedirect(SignInSetup.PageUri("/usage", expired: true));
        }

        // Whether the key may see another tenant's, the Api says.
        var tenant = context.Request.Query["tenant"] is [{ Length: > 0 } one] ? one : session.IsAdmin ? "all" : null;
        var statement = await administration.GetStatementAsync(session.AccessToken, tenant, cancellationToken);
        return statement switch
        {
            { Value: { } csv } => TypedResults.File(
                Encoding.UTF8.GetBytes(csv), "text/csv", FormattableString.Invariant($"statement-{time.GetUtcNow():yyyy-MM}.csv")),
            { Failure: ApiFailure.Unauthorized } => TypedResults.LocalRedirect(SignInSetup.PageUri("/usage", expired: true)),
            { Failure: ApiFailure.Forbidden } => TypedResults.StatusCode(StatusCodes.Status403Forbidden),
            _ => TypedResults.StatusCode(StatusCodes.Status502BadGateway),
        };
    }
}
