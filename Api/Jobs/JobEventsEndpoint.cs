using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// <c>GET /v1/jobs/{id}/events</c>: the job now and after each change, as server-sent events, until it has ended.
/// </summary>
internal sealed class JobEvents(
    JobQueries queries, CredentialCheck credentials, JobSignals signals, TimeProvider time, IHostApplicationLifetime lifetime)
{
    // Beneath the signals, which may be lost.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    // Proxies close what is silent, often after a minute.
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(15);

    public async Task<Results<ServerSentEventsResult<string>, ProblemHttpResult>> HandleAsync(
        Guid id, HttpContext context, CancellationToken cancellationToken) =>
        await queries.FindAsync(context.User.TenantId(), context.User.Models(), id, cancellationToken) is null
            ? JobEndpoints.Unknown(id)
            : TypedResults.ServerSentEvents(FollowAsync(context, id, cancellationToken));

    private async IAsyncEnumerable<SseItem<string>> FollowAsync(
        HttpContext context, Guid id, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A stopping replica ends its streams; clients come back to another and get the job as it is then.
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var watch = signals.Watch(id);
        JobFacts? shown = null;
        var saidAt = time.GetTimestamp();
        while (!ends.IsCancellationRequested)
        {
            var (known, job) = await LookAsync(context, id, ends.Token);
            if (known && job is null)
            {
                yield break;
            }

            if (job is not null && job != shown)
            {
                shown = job;
                saidAt = time.GetTimestamp();
                yield return new SseItem<string>(JobView.Of(job).ToJson(), "job");
                if (job.State.IsTerminal())
                {
                    yield break;
                }
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
    private async Task<(bool Known, JobFacts? Job)> LookAsync(HttpContext context, Guid id, CancellationToken cancellationToken)
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

internal static class JobEventsEndpoint
{
    public static void MapJobEvents(this IEndpointRouteBuilder jobs) => jobs.MapGet(
        "/{id:guid}/events",
        (Guid id, HttpContext context, JobEvents events, CancellationToken cancellationToken) =>
            events.HandleAsync(id, context, cancellationToken))
        .WithSummary("Changes of a job as server-sent events")
        .Produces(StatusCodes.Status200OK, contentType: "text/event-stream");
}
