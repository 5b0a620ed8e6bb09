using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary><c>GET /v1/batches/{id}/output</c> and <c>/errors</c>: what came of the lines, as JSON lines in their order.</summary>
internal static class BatchFiles
{
    private const int FlushBytes = 64 << 10;

    private static readonly JsonWriterOptions Options =
        new() { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void MapBatchFiles(this IEndpointRouteBuilder batches)
    {
        batches.MapGet(
            "/{id:guid}/output", (Guid id, HttpContext context, ClaimsPrincipal caller, BatchQueries queries, TimeProvider time) =>
            SendAsync(id, completed: true, context, caller, queries, time))
            .WithSummary("Answers of a batch as JSON lines, in the order of its lines");
        batches.MapGet(
            "/{id:guid}/errors", (Guid id, HttpContext context, ClaimsPrincipal caller, BatchQueries queries, TimeProvider time) =>
            SendAsync(id, completed: false, context, caller, queries, time))
            .WithSummary("Lines of a batch that failed, as JSON lines, and why");
    }

    private static async Task SendAsync(
        Guid id, bool completed, HttpContext context, ClaimsPrincipal caller, BatchQueries queries, TimeProvider time)
    {
        var cancellationToken = context.RequestAborted;
        if (await queries.FindAsync(caller.TenantId(), caller.Models(), id, cancellationToken) is not { } batch)
        {
            await BatchEndpoints.Unknown(id).ExecuteAsync(context);
            return;
        }

        if (WithoutFiles(batch, time.GetUtcNow()) is { } problem)
        {
            await problem.ExecuteAsync(context);
            return;
        }

        context.Response.ContentType = "application/x-ndjson";
        var body = context.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(body, Options);
        await foreach (var line in queries.LinesAsync(id, completed, cancellationToken))
        {
            Write(json, batch, line);
            await json.FlushAsync(cancellationToken);
            json.Reset();
            "\n"u8.CopyTo(body.GetSpan(1));
            body.Advance(1);
            if (body.UnflushedBytes >= FlushBytes)
            {
                await body.FlushAsync(cancellationToken);
            }
        }

        // Its lines went while they were read: what was sent must not look whole.
        if (await queries.FindAsync(caller.TenantId(), caller.Models(), id, cancellationToken) is not { } still
            || WithoutFiles(still, time.GetUtcNow()) is not null)
        {
            context.Abort();
            return;
        }

        await body.FlushAsync(cancellationToken);
    }

    private static ProblemHttpResult? WithoutFiles(BatchFacts batch, DateTimeOffset now) =>
        !batch.State.IsTerminal()
            ? TypedResults.Problem(
                $"the batch is {batch.State.Name()}: its files are there when it has ended", statusCode: StatusCodes.Status409Conflict)
            : batch.IsEmptied || batch.ExpiresAt <= now
                ? TypedResults.Problem($"the files were kept until {batch.ExpiresAt:O} and are gone", statusCode: StatusCodes.Status410Gone)
                : null;

    private static void Write(Utf8JsonWriter json, BatchFacts batch, BatchFileLine line)
    {
        json.WriteStartObject();
        json.WriteNumber("line"u8, line.Number);
        json.WriteString("custom_id"u8, line.CustomId);
        if (line.Result is not null)
        {
            json.WriteStartObject("response"u8);
            json.WriteNumber("status_code"u8, StatusCodes.Status200OK);
            json.WritePropertyName("body"u8);
            json.WriteRawValue(line.Result, skipInputValidation: true);
            json.WriteEndObject();
        }
        else
        {
            json.WriteStartObject("error"u8);
            json.WriteNumber("status_code"u8, line.ErrorStatus ?? StatusCodes.Status504GatewayTimeout);
            json.WriteString("message"u8, line.Error ?? $"the batch was {batch.State.Name()} before this line had ended");
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
