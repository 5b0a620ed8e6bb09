using System.IO.Pipelines;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Queue;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// <c>POST /v1/batches[?model=M[&amp;version=V]]</c>: JSON lines, each a request. They are validated and stored as they come; a line
/// that is wrong fails alone.
/// </summary>
internal static class BatchUpload
{
    private const int GroupLines = 1_000;
    private const int GroupBytes = 4 << 20;

    private static readonly TimeSpan GroupTime = TimeSpan.FromSeconds(10);
    private static readonly string[] ContentTypes = ["application/jsonl", "application/x-ndjson", "application/x-jsonlines"];

    public static void MapBatchUpload(this IEndpointRouteBuilder batches) => batches.MapPost("/", PostAsync)
        .WithSummary("Run every line of a JSON lines body");

    private static async Task<IResult> PostAsync(
        HttpContext context, ModelRouting routing, InferInput input, BatchIntake intake, BatchQueries queries, JobSignals signals,
        IOptions<BatchOptions> options,
        TimeProvider time, CancellationToken cancellationToken, string? model = null, string? version = null)
    {
        var (request, limits) = (context.Request, options.Value);
        var type = request.ContentType?.Split(';')[0].Trim();
        if (!ContentTypes.Contains(type, StringComparer.OrdinalIgnoreCase))
        {
            return TypedResults.Problem(
                $"Content-Type: '{type}' given, {ContentTypes[0]} or {ContentTypes[1]} expected",
                statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        if (version is not null && model is null)
        {
            return TypedResults.Problem("version: given without model", statusCode: StatusCodes.Status400BadRequest);
        }

        if (request.ContentLength > limits.MaxBytes)
        {
            return TooLarge(limits);
        }

        var coding = ContentCoding.Of(request);
        var owner = OwnerOf(context.User);
        if (await intake.BeginAsync(owner, cancellationToken) is not { } id)
        {
            context.Response.Headers.RetryAfter = "10";
            return TypedResults.Problem(
                $"the tenant '{owner.TenantId}' has {limits.MaxPendingPerTenant} batches that have not ended, as many as it may (Batches:MaxPendingPerTenant): "
                + "try again when one has",
                statusCode: StatusCodes.Status429TooManyRequests);
        }

        // The server's limit is for inference requests. One more than allowed, so that it is this code that answers.
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = limits.MaxBytes + 1;
        var accepted = false;
        await using var decoded = ContentCoding.Decode(request, coding);
        var body = decoded is null ? request.BodyReader : PipeReader.Create(decoded);
        try
        {
            var reader = new BatchLineReader(routing, input, context.User, model, version, limits.MaxLineBytes);
            if (await TakeAsync(
                new JsonLines(body, limits.MaxLineBytes, limits.MaxBytes), reader, intake, id, time, cancellationToken) == 0)
            {
                return TypedResults.Problem("the body has no lines", statusCode: StatusCodes.Status400BadRequest);
            }

            await intake.FinishAsync(id, CancellationToken.None);
            accepted = true;
        }
        catch (BatchTooLargeException)
        {
            return TooLarge(limits);
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return TooLarge(limits);
        }
        catch (Exception exception) when (ContentCoding.IsOfData(exception, coding))
        {
            return TypedResults.Problem(
                $"the body is not {coding}, as Content-Encoding says", statusCode: StatusCodes.Status400BadRequest);
        }
        catch (BatchIntakeLostException exception)
        {
            context.Response.Headers.RetryAfter = "1";
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        finally
        {
            if (!accepted)
            {
                await DiscardAsync(intake, id);
            }
        }

        signals.Changed([id]);
        context.Response.Headers.Location = $"/v1/batches/{id}";
        return BatchEndpoints.Show((await queries.FindAsync(owner.TenantId, id, cancellationToken))!, StatusCodes.Status202Accepted);
    }

    private static async Task<int> TakeAsync(
        JsonLines lines, BatchLineReader reader, BatchIntake intake, Guid id, TimeProvider time, CancellationToken cancellationToken)
    {
        var (taken, bytes, since) = (0, 0L, time.GetTimestamp());
        var group = new List<NewBatchLine>();
        while (await lines.NextAsync(cancellationToken) is { } next)
        {
            foreach (var line in next)
            {
                group.Add(await reader.ReadAsync(line, cancellationToken));
                bytes += line.Bytes?.Length ?? 0;
            }

            // By time too, so that a slow sender keeps its lease.
            if (group.Count >= GroupLines || bytes >= GroupBytes || time.GetElapsedTime(since) >= GroupTime)
            {
                await AddAsync();
            }
        }

        await AddAsync();
        return taken;

        async Task AddAsync()
        {
            await intake.AddAsync(id, group, cancellationToken);
            (taken, bytes, since) = (taken + group.Count, 0, time.GetTimestamp());
            group.Clear();
        }
    }

    private static async Task DiscardAsync(BatchIntake intake, Guid id)
    {
        try
        {
            await intake.DiscardAsync(id);
        }
        catch (NpgsqlException)
        {
            // It goes when its lease has run out.
        }
    }

    private static BatchOwner OwnerOf(ClaimsPrincipal caller) => new(
        caller.TenantId(),
        caller.FindFirstValue(InferenceClaims.KeyId) ?? "",
        caller.FindFirstValue(InferenceClaims.Name) ?? "",
        caller.FindFirstValue(InferenceClaims.Role) ?? "");

    private static ProblemHttpResult TooLarge(BatchOptions limits) => TypedResults.Problem(
        $"the body is larger than {limits.MaxBytes} bytes (Batches:MaxBytes): send it as several batches",
        statusCode: StatusCodes.Status413PayloadTooLarge);
}
