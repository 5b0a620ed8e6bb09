using System.Collections.Concurrent;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Jobs;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// How many unfinished jobs each tenant has: counted at most once a second, and what this replica accepted since then on top.
/// So the bound is exact on one replica and at most a second of the others' acceptances too wide.
/// </summary>
public sealed class PendingJobs(NpgsqlDataSource dataSource, IOptions<JobOptions> options, TimeProvider time)
{
    private static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time = time;
    private readonly ConcurrentDictionary<string, Tally> _tallies = new(StringComparer.Ordinal);

    /// <exception cref="NpgsqlException">The tenant's jobs were never counted and Postgres is away.</exception>
    public async ValueTask<bool> HasRoomAsync(string tenant, CancellationToken cancellationToken)
    {
        var tally = TallyOf(tenant);

        // An old number stands while Postgres is away: whether a job can be written shows when it is.
        var counted = await tally.Counted.GetAsync(cancellationToken);
        return counted.Jobs + tally.Added - counted.AddedBefore < options.Value.MaxPendingPerTenant;
    }

    internal void Added(string tenant) => TallyOf(tenant).Add();

    private Tally TallyOf(string tenant) => _tallies.GetOrAdd(
        tenant,
        static (name, jobs) => new Tally(tally => new(CacheDuration, () => jobs.CountAsync(name, tally), jobs._time)),
        this);

    private async Task<Count> CountAsync(string tenant, Tally tally)
    {
        var before = tally.Added;

        // Nobody needs to know by how much the bound is passed.
        await using var command = dataSource.CreateCommand(
            "SELECT count(*) FROM (SELECT FROM jobs WHERE tenant_id = $1 AND state IN ('queued', 'running') LIMIT $2) AS pending");
        command.Parameters.AddWithValue(tenant);
        command.Parameters.AddWithValue(options.Value.MaxPendingPerTenant);
        return new Count((long)(await command.ExecuteScalarAsync())!, before);
    }

    /// <param name="AddedBefore">What this replica had accepted when it was counted.</param>
    private sealed record Count(long Jobs, long AddedBefore);

    private sealed class Tally
    {
        private long _added;

        public Tally(Func<Tally, Refreshing<Count>> count) => Counted = count(this);

        public Refreshing<Count> Counted { get; }

        public long Added => Interlocked.Read(ref _added);

        public void Add() => Interlocked.Increment(ref _added);
    }
}
