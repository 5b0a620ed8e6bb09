using InferenceTemplate.Api.Direct;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Queues;

/// <summary>Requests that wait or run, by priority.</summary>
internal sealed record QueueDepths(long High, long Normal, long Low, long Shadow);

/// <param name="Waiting">Of the depth, those that no worker has taken.</param>
/// <param name="OldestSeconds">Age of the oldest request; zero when there is none.</param>
/// <param name="DrainedPerSecond">Requests that leave it; null while this replica has seen too little of it.</param>
internal sealed record QueueOverview(
    string Model,
    string Version,
    QueueDepths Depth,
    long Waiting,
    long Bytes,
    double OldestSeconds,
    double? DrainedPerSecond,
    long DeadLetters);

internal sealed record QueueOverviews(QueueOverview[] Queues);

/// <summary><c>GET /v1/queues</c>.</summary>
internal static class QueueList
{
    public static async Task<JsonHttpResult<QueueOverviews>> GetAsync(
        ModelCatalog catalog, QueueTotals queue, QueueRejections rejections, DirectCalls direct, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var served = snapshot.Versions.Select(v => new QueueName(v.Model, v.Version)).ToHashSet();
        var stats = await queue.StatsAsync(snapshot.QueuedVersions.Select(v => new QueueName(v.Model, v.Version)));

        // Of what is not served now, only what is left of it.
        var shown = stats.Where(s => served.Contains(s.Queue) || s.Depth > 0 || s.DeadLetters > 0);
        return TypedResults.Json(
            new QueueOverviews([.. shown.Select(s => Overview(s, rejections, direct))]), ApiJson.Default.QueueOverviews);
    }

    private static QueueOverview Overview(QueueStats stats, QueueRejections rejections, DirectCalls direct)
    {
        long Depth(Priority priority) => stats.Levels[(int)priority].Depth;
        return new QueueOverview(
            stats.Queue.Model,
            stats.Queue.Version,
            new QueueDepths(Depth(Priority.High), Depth(Priority.Normal), Depth(Priority.Low), Depth(Priority.Shadow)),
            stats.Waiting,
            stats.Bytes,
            stats.OldestAge.TotalSeconds,
            (rejections.DrainRate(stats.Queue), direct.DrainRate(stats.Queue)) switch
            {
                (null, var rate) => rate,
                (var rate, null) => rate,
                var (queued, sent) => queued + sent,
            },
            stats.DeadLetters);
    }
}
