using System.Collections.Concurrent;
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

    private readonly ConcurrentDictionary<string, Count> _counts = new(StringComparer.Ordinal);

    /// <exception cref="NpgsqlException">The tenant's jobs were never counted and Postgres is away.</exception>
    public async ValueTask<bool> HasRoomAsync(string tenant, CancellationToken cancellationToken)
    {
        var count = _counts.GetOrAdd(tenant, static _ => new Count());
        Task? reading = null;
        lock (count)
        {
            if (count.ReadAt is null || time.GetElapsedTime(count.ReadAt.Value) >= CacheDuration)
            {
                reading = count.Reading ??= Task.Run(() => ReadAsync(tenant, count), CancellationToken.None);
            }
        }

        if (count.ReadAt is null)
        {
            await reading!.WaitAsync(cancellationToken);
        }

        lock (count)
        {
            return count.Read + count.Added < options.Value.MaxPendingPerTenant;
        }
    }

    internal void Added(string tenant)
    {
        var count = _counts.GetOrAdd(tenant, static _ => new Count());
        lock (count)
        {
            count.Added++;
        }
    }

    private async Task ReadAsync(string tenant, Count count)
    {
        try
        {
            long before;
            lock (count)
            {
                before = count.Added;
            }

            // Nobody needs to know by how much the bound is passed.
            await using var command = dataSource.CreateCommand(
                "SELECT count(*) FROM (SELECT FROM jobs WHERE tenant_id = $1 AND state IN ('queued', 'running') LIMIT $2) AS pending");
            command.Parameters.AddWithValue(tenant);
            command.Parameters.AddWithValue(options.Value.MaxPendingPerTenant);
            var read = (long)(await command.ExecuteScalarAsync())!;
            lock (count)
            {
                count.Read = read;
                count.Added -= before;
                count.ReadAt = time.GetTimestamp();
            }
        }
        catch (NpgsqlException) when (count.ReadAt is not null)
        {
            // The old number stands; whether a job can be written shows when it is.
        }
        finally
        {
            lock (count)
            {
                count.Reading = null;
            }
        }
    }

    private sealed class Count
    {
        public long Read;
        public long Added;
        public long? ReadAt;
        public Task? Reading;
    }
}
