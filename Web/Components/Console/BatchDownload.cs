using System.Buffers;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Web.Components.Console;

/// <summary>
/// A batch job's output or errors as a file: a browser that follows a link has the session's cookie, and not the Api's token.
/// </summary>
internal static class BatchDownload
{
    private const int Part = 64 << 10;

    public static string PathOf(Guid id, string file) => $"/batches/{id}/{file}.jsonl";

    public static void MapBatchDownload(this IEndpointRouteBuilder app)
    {
        foreach (var file in new[] { "output", "errors" })
        {
            app.MapGet($"/batches/{{id:guid}}/{file}.jsonl", (Guid id, HttpContext context, BatchOutputs outputs) =>
                HandleAsync(id, file, context, outputs));
        }
    }

    private static async Task HandleAsync(Guid id, string file, HttpContext context, BatchOutputs outputs)
    {
        var again = SignInSetup.PageUri($"/batches/{id}", expired: true);
        if (Session.From(context.User) is not { } session)
        {
            context.Response.Redirect(again);
            return;
        }

        var response = context.Response;
        var copied = await outputs.CopyAsync(
            session.AccessToken, id, file,
            async (body, renew, limit) =>
            {
                response.ContentType = "application/jsonl";
                response.Headers.ContentDisposition = $"attachment; filename=batch-{id}-{file}.jsonl";
                var part = ArrayPool<byte>.Shared.Rent(Part);
                try
                {
                    int read;
                    while ((read = await body.ReadAsync(part, limit)) > 0)
                    {
                        await response.Body.WriteAsync(part.AsMemory(0, read), limit);
                        renew();
                    }
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(part);
                }
            },
            context.RequestAborted);
        switch (copied.Failure)
        {
            case null:
                break;
            case not null when response.HasStarted:
                // A file that ends too early must not look whole.
                context.Abort();
                break;
            case ApiFailure.Unauthorized:
                response.Redirect(again);
                break;
            case ApiFailure.Forbidden:
                response.StatusCode = StatusCodes.Status403Forbidden;
                break;
            default:
                // A file that expired, or never was, is no fault of the Api.
                response.StatusCode = copied.Status is StatusCodes.Status404NotFound or StatusCodes.Status410Gone
                    ? copied.Status.Value : StatusCodes.Status502BadGateway;
                break;
        }
    }
}
