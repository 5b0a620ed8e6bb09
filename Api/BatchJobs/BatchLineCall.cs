using System.Buffers;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// Runs one line as a call of low priority, with all that belongs to one: routes, cached responses, prices, records. What is nobody's
/// fault (a full queue, no worker, a deadline that passed in the queue) is tried again until the batch has no more time; a run that took
/// longer than its line may, or that no worker could finish, as often as <see cref="BatchOptions.MaxAttempts"/>.
/// </summary>
internal sealed class BatchLineCall(
    ModelCatalog catalog, ModelRouting routing, FallbackRouting fallbacks, CachedCalls calls, InferInput input, InferRecords records,
    TenantGate tenants, ApiKeyLookup keys,
    IOptions<BatchOptions> options, TimeProvider time)
{
    private static readonly TimeSpan ShortestWait = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);

    /// <param name="queueLives">Cancelled when the queue has lost its data, and with it the line's request.</param>
    public async Task<EndedBatchLine> RunAsync(
        PendingBatchLine line, BatchOwner owner, Func<CancellationToken> queueLives, CancellationToken cancellationToken)
    {
        var caller = CallerOf(owner);
        var (wait, attempts) = (ShortestWait, 0);
        while (true)
        {
            var lives = queueLives();
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lives);
            try
            {
                var (ended, tried) = await TryAsync(line, caller, either.Token);
                attempts += tried ? 1 : 0;
                if (ended.Result is not null || !MayPass(ended.ErrorStatus!.Value) || attempts >= options.Value.MaxAttempts)
                {
                    return ended;
                }
            }
            catch (OperationCanceledException) when (lives.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                continue;
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception) || Outages.IsQueueAway(exception))
            {
                // As for a full queue.
            }

            await Task.Delay(wait, time, cancellationToken);
            wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        }
    }

    /// <summary>Whether a worker tried a line in vain; else it only waited.</summary>
    internal static bool WasTried(InferenceReply? reply) => reply
        is { Outcome: ReplyOutcome.Unavailable }
        or { Outcome: ReplyOutcome.Expired, ComputeTime.Ticks: > 0 };

    private static bool MayPass(short status) => status is
        StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout;

    // What the caller is in the eyes of those who route, count and record.
    private static ClaimsPrincipal CallerOf(BatchOwner owner) => new(new ClaimsIdentity(
        [
            new Claim(InferenceClaims.Name, owner.KeyName),
            new Claim(InferenceClaims.Role, owner.Role),
            new Claim(InferenceClaims.Tenant, owner.TenantId),
            new Claim(InferenceClaims.KeyId, owner.KeyId),
        ],
        "batch",
        InferenceClaims.Name,
        InferenceClaims.Role));

    /// <returns>How it ended, and whether a worker tried and could not, for whatever reason.</returns>
    private async Task<(EndedBatchLine Ended, bool Tried)> TryAsync(
        PendingBatchLine line, ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        var (receivedAt, start) = (time.GetUtcNow(), time.GetTimestamp());

        // Accepted work goes on without its key, but not with what the tenant has lost.
        caller = caller.Within((await keys.FindTenantAsync(caller.TenantId()))?.Models);
        if (!caller.MayUse(line.Model))
        {
            return (Failed(line, StatusCodes.Status404NotFound, CatalogSnapshot.Empty.WhyNot(line.Model, line.Version)), false);
        }

        if (await RouteAsync(line, caller, cancellationToken) is not { } routed)
        {
            return (Failed(
                line, StatusCodes.Status404NotFound,
                (await catalog.SnapshotAsync(cancellationToken)).WhyNot(line.Model, line.Version)), false);
        }

        routed = await fallbacks.RouteAsync(routed, cancellationToken);
        if (routed.Unavailable is { } unavailable)
        {
            return (Failed(line, StatusCodes.Status503ServiceUnavailable, unavailable.Reason), false);
        }

        InferBody body;
        try
        {
            // Nobody waits for it.
            body = input.Read(line.Request, routed.Version, routed.Settings);
            body = body with { Priority = Priority.Low, Timeout = body.Timeout ?? TimeSpan.MaxValue };
        }
        catch (InvalidInferBodyException exception)
        {
            return (Failed(line, StatusCodes.Status400BadRequest, exception.Message), false);
        }

        // The batch was one request of its tenant; its lines wait for their turn at low priority and add to what the month has come to.
        var tenant = await tenants.FindAsync(caller, cancellationToken);
        if (tenants.RefusalWithoutAsking(tenant, routed.Version) is { } refusal)
        {
            return (Failed(line, refusal.Status, refusal.Error!), false);
        }

        var ended = await calls.CallAsync(routed, tenant.Uncounted(), body, line.Request.Length, cancellationToken);
        if (ended.Status != StatusCodes.Status200OK && MayPass((short)ended.Status))
        {
            return (Failed(line, ended.Status, ended.Error!), WasTried(ended.Reply));
        }

        var (reply, tooMany) = Classification.Of(ended, routed.Version, body.Forms);
        var parameters = records.Ended(caller, routed, body, ended, tooMany, receivedAt, time.GetElapsedTime(start));
        if (ended.Status != StatusCodes.Status200OK)
        {
            return (Failed(line, ended.Status, ended.Error!), false);
        }

        if (tooMany is not null)
        {
            return (Failed(line, StatusCodes.Status400BadRequest, tooMany), false);
        }

        if (InferResponseWriter.Refusal(reply!) is { } unwritable)
        {
            return (Failed(line, StatusCodes.Status406NotAcceptable, unwritable), false);
        }

        var answer = new ArrayBufferWriter<byte>();
        var limit = options.Value.MaxAnswerBytes;
        foreach (var _ in InferResponseWriter.Pieces(
            answer, routed.Version.Model, routed.Version.Version, body.Id, reply!, parameters, forms: null))
        {
            if (answer.WrittenCount > limit)
            {
                break;
            }
        }

        if (answer.WrittenCount > limit)
        {
            return (Failed(
                line, StatusCodes.Status413PayloadTooLarge,
                $"the answer has more than {limit} bytes as JSON, which is what a batch's line may have (Batches:MaxAnswerBytes)"), false);
        }

        return (new EndedBatchLine(line.Number, answer.WrittenSpan.ToArray(), null, null), false);
    }

    // This replica may not have heard yet of a version that another one has accepted lines for.
    private async Task<RoutedModel?> RouteAsync(PendingBatchLine line, ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        if (await routing.RouteAsync(line.Model, line.Version, caller, cancellationToken) is { } routed)
        {
            return routed;
        }

        await catalog.RefreshAsync(cancellationToken);
        return await routing.RouteAsync(line.Model, line.Version, caller, cancellationToken)
            ?? await fallbacks.OfLackingAsync(line.Model, line.Version, cancellationToken);
    }

    private static EndedBatchLine Failed(PendingBatchLine line, int status, string error) => new(line.Number, null, error, (short)status);
}
