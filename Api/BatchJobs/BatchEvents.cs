using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// <c>GET /v1/batches/{id}/events</c>: the batch now and as its lines end, as server-sent events, until it has ended itself.
/// </summary>
internal sealed class BatchEvents(
    BatchQueries queries, CredentialCheck credentials, JobSignals signals, TimeProvider time, IHostApplicationLifetime lifetime)
{
    // Beneath the signals, which may be lost.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // Lines end faster than anybody looks.
    private static readonly TimeSpan NotBefore = TimeSpan.FromMilliseconds(200);

    // Proxies close what is silent, often after a minute.
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(15);

    public async Task<Results<ServerSentEventsResult<string>, ProblemHttpResult>> HandleAsync(
        Guid id, HttpContext context, CancellationToken cancellationToken) =>
        await queries.FindAsync(context.User.TenantId(), context.User.Models(), id, cancellationToken) is null
            ? BatchEndpoints.Unknown(id)
            : TypedResults.ServerSentEvents(FollowAsync(context, id, cancellationToken));

    private async IAsyncEnumerable<SseItem<string>> FollowAsync(
        HttpContext context, Guid id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A stopping replica ends its streams; clients come back to another and get the batch as it is then.
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var watch = signals.Watch(id);
        BatchFacts? shown = null;
        var saidAt = time.GetTimestamp();
        while (!ends.IsCancellationRequested)
        {
            var (known, batch) = await LookAsync(context, id, ends.Token);
            if (known && batch is null)
            {
                yield break;
            }

            if (batch is not null && batch != shown)
            {
                shown = batch;
                saidAt = time.GetTimestamp();
                yield return new SseItem<string>(BatchView.Of(batch).ToJson(), "batch");
                if (batch.State.IsTerminal())
                {
                    yield break;
                }

                await Task.Delay(NotBefore, time, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            else if (time.GetElapsedTime(saidAt) >= PingEvery)
            {
                saidAt = time.GetTimestamp();
                yield return new SseItem<string>("", "ping");
            }

            await watch.WaitAsync(LookEvery, ends.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // An outage of Postgres interrupts the view, not the stream; the end of the caller's credential ends it.
    private async Task<(bool Known, BatchFacts? Batch)> LookAsync(HttpContext context, Guid id, CancellationToken cancellationToken)
    {
        try
        {
            var (caller, _) = await credentials.CheckAsync(context);
            return (true, caller is null ? null : await queries.FindAsync(caller.TenantId(), caller.Models(), id, cancellationToken));
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception) || cancellationToken.IsCancellationRequested)
        {
            return (false, null);
        }
    }
}

internal static class BatchEventsEndpoint
{
    public static void MapBatchEvents(this IEndpointRouteBuilder batches) => batches.MapGet(
        "/{id:guid}/events",
        (Guid id, HttpContext context, BatchEvents events, CancellationToken cancellationToken) =>
            events.HandleAsync(id, context, cancellationToken))
        .WithSummary("Progress of a batch as server-sent events");
}
