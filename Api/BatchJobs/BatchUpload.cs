using System.Globalization;
using System.IO.Pipelines;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Idempotency;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

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
        HttpContext context, ModelCatalog catalog, ModelRouting routing, FallbackRouting fallbacks, InferInput input, BatchIntake intake,
        BatchQueries queries, JobSignals signals, TenantGate gate, TenantLimiter limiter, IOptions<BatchOptions> options, TimeProvider time,
        CancellationToken cancellationToken, string? model = null, string? version = null)
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

        var owner = OwnerOf(context.User);
        var keyed = context.Features.Get<IdempotentRequest>();
        if (keyed?.Batch is { } known)
        {
            context.Response.Headers[IdempotencyMiddleware.ReplayedName] = "true";
            return await ShowAsync(known);
        }

        if (await RefusalAsync(context, gate, limiter, cancellationToken) is { } refusal)
        {
            return refusal;
        }

        var coding = ContentCoding.Of(request);
        var (begun, tooMany) = await intake.BeginAsync(owner, cancellationToken);
        if (begun is not { } id)
        {
            context.Response.Headers.RetryAfter = "10";
            return TypedResults.Problem(tooMany, statusCode: StatusCodes.Status429TooManyRequests);
        }

        // The server's limit is for inference requests. One more than allowed, so that it is this code that answers.
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = limits.MaxBytes + 1;
        var accepted = false;
        await using var decoded = ContentCoding.Decode(request, coding);
        var body = decoded is null ? request.BodyReader : PipeReader.Create(decoded);
        try
        {
            var reader = new BatchLineReader(catalog, routing, fallbacks, input, context.User, model, version, limits.MaxLineBytes);
            var lines = new JsonLines(body, limits.MaxLineBytes, limits.MaxBytes);
            if (await TakeAsync(lines, reader, intake, id, limits.MaxLines, time, cancellationToken) == 0)
            {
                return TypedResults.Problem("the body has no lines", statusCode: StatusCodes.Status400BadRequest);
            }

            await (keyed?.ReadToEndAsync(cancellationToken) ?? Task.CompletedTask);
            await intake.FinishAsync(id, keyed is null ? null : connection => keyed.AcceptAsync(connection, id));
            accepted = true;
        }
        catch (BatchTooLongException)
        {
            return TypedResults.Problem(
                $"the body has more than {limits.MaxLines} lines (Batches:MaxLines): send it as several batches",
                statusCode: StatusCodes.Status413PayloadTooLarge);
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
        catch (IdempotencyKeyLostException exception)
        {
            context.Response.Headers.RetryAfter = "1";
            return TypedResults.Problem(exception.Message, statusCode: StatusCodes.Status409Conflict);
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
        return await ShowAsync(id);

        async Task<IResult> ShowAsync(Guid shown)
        {
            context.Response.Headers.Location = $"/v1/batches/{shown}";
            return await queries.FindAsync(owner.TenantId, models: null, shown, CancellationToken.None) is { } batch
                ? BatchEndpoints.Show(batch, StatusCodes.Status202Accepted)
                : TypedResults.Problem("the batch that was accepted is gone", statusCode: StatusCodes.Status404NotFound);
        }
    }

    // A batch is one request of its tenant, and its lines are inferences.
    private static async Task<ProblemHttpResult?> RefusalAsync(
        HttpContext context, TenantGate gate, TenantLimiter limiter, CancellationToken cancellationToken)
    {
        var tenant = await gate.FindAsync(context.User, cancellationToken);
        var refusal = gate.RefusalWithoutAsking(tenant);
        if (refusal is null)
        {
            (refusal, var standing) = await gate.TakeAsync(tenant, cancellationToken);
            RateLimitHeaders.Set(context.Response.Headers, tenant, standing ?? refusal?.Standing);
        }

        if (refusal is null)
        {
            await limiter.RefundAsync(tenant);
            return null;
        }

        if (refusal.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = refusal.RetryAfter.ToString(CultureInfo.InvariantCulture);
        }

        return TypedResults.Problem(refusal.Error, statusCode: refusal.Status);
    }

    private static async Task<int> TakeAsync(
        JsonLines lines, BatchLineReader reader, BatchIntake intake, Guid id, int maxLines, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var (taken, bytes, since) = (0, 0L, time.GetTimestamp());
        var group = new List<NewBatchLine>();
        while (await lines.NextAsync(cancellationToken) is { } next)
        {
            foreach (var line in next)
            {
                if (taken + group.Count == maxLines)
                {
                    throw new BatchTooLongException();
                }

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
        catch (Exception exception) when (Outages.IsOfDatabase(exception))
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

/// <summary>The batch has more lines than it may.</summary>
internal sealed class BatchTooLongException : Exception;
