using InferenceTemplate.Core.Costs;
using InferenceTemplate.Data;
using Npgsql;
using NpgsqlTypes;

namespace InferenceTemplate.Api.Usage;

/// <summary>Whose use, of what, and in which hour.</summary>
public readonly record struct UsageKey(string Tenant, string Model, string Version, DateTimeOffset Hour);

/// <summary>
/// What this replica answered, gathered in memory and written beside the hot path. Memory is bounded by tenants, versions and
/// hours, so nothing is shed while Postgres is away.
/// </summary>
public sealed class UsageAccumulator(NpgsqlDataSource dataSource, TimeProvider time) : IDisposable
{
    // A repetition of what was committed, though its answer was lost, changes nothing, also where another replica has summed it meanwhile:
    // each writer counts its turns.
    private const string Sql = """
        WITH turn AS (
            INSERT INTO usage_writers AS old (id, turn, written_at) VALUES ($13, $14, now())
            ON CONFLICT (id) DO UPDATE SET turn = excluded.turn, written_at = excluded.written_at WHERE old.turn < excluded.turn
            RETURNING turn)
        INSERT INTO usage_entries (id, tenant_id, model, version, hour, requests, failures, cached, jobs, device_microseconds, cost,
            prompt_tokens, completion_tokens)
        SELECT id, tenant_id, model, version, hour, requests, failures, cached, 0, device_microseconds, cost, prompt_tokens, completion_tokens
        FROM turn, unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            AS new (id, tenant_id, model, version, hour, requests, failures, cached, device_microseconds, cost, prompt_tokens, completion_tokens)
        """;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _oneWriter = new(1);
    private Dictionary<UsageKey, Sums> _gathered = [];
    private readonly Guid _writer = Guid.CreateVersion7();
    private UsageEntry[] _unwritten = [];
    private long _turn;

    /// <summary>Puts one inference down.</summary>
    /// <param name="cached">Answered from memory.</param>
    public void Record(string tenant, string model, string version, bool failed, bool cached, UsedDevice used)
    {
        var now = time.GetUtcNow();
        var key = new UsageKey(tenant, model, version, new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero));
        lock (_lock)
        {
            if (!_gathered.TryGetValue(key, out var sums))
            {
                _gathered[key] = sums = new Sums();
            }

            sums.Requests++;
            sums.Failures += failed ? 1 : 0;
            sums.Cached += cached ? 1 : 0;
            sums.DeviceMicroseconds += used.DeviceMicroseconds;
            sums.Cost += used.Cost;
            sums.PromptTokens += used.Tokens.Prompt;
            sums.CompletionTokens += used.Tokens.Completion;
        }
    }

    /// <summary>Writes what was gathered. If that fails it is kept, for the next time.</summary>
    /// <exception cref="NpgsqlException">Postgres is away or refused.</exception>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        await _oneWriter.WaitAsync(cancellationToken);
        try
        {
            while (Next() is { Length: > 0 } entries)
            {
                await InsertAsync(entries, cancellationToken);
                _unwritten = [];
            }
        }
        finally
        {
            _oneWriter.Release();
        }
    }

    public void Dispose() => _oneWriter.Dispose();

    private UsageEntry[] Next()
    {
        if (_unwritten.Length > 0)
        {
            return _unwritten;
        }

        Dictionary<UsageKey, Sums> gathered;
        lock (_lock)
        {
            (gathered, _gathered) = (_gathered, []);
        }

        _turn++;
        return _unwritten = [.. gathered.Select(g => Entry(g.Key, g.Value))];
    }

    private static UsageEntry Entry(UsageKey key, Sums sums) => new()
    {
        Id = Guid.CreateVersion7(),
        TenantId = key.Tenant,
        Model = key.Model,
        Version = key.Version,
        Hour = key.Hour,
        Requests = sums.Requests,
        Failures = sums.Failures,
        Cached = sums.Cached,
        DeviceMicroseconds = sums.DeviceMicroseconds,
        Cost = sums.Cost,
        PromptTokens = sums.PromptTokens,
        CompletionTokens = sums.CompletionTokens,
    };

    private async Task InsertAsync(UsageEntry[] entries, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(Sql);
        Add(NpgsqlDbType.Uuid, e => e.Id);
        Add(NpgsqlDbType.Text, e => e.TenantId);
        Add(NpgsqlDbType.Text, e => e.Model);
        Add(NpgsqlDbType.Text, e => e.Version);
        Add(NpgsqlDbType.TimestampTz, e => e.Hour);
        Add(NpgsqlDbType.Bigint, e => e.Requests);
        Add(NpgsqlDbType.Bigint, e => e.Failures);
        Add(NpgsqlDbType.Bigint, e => e.Cached);
        Add(NpgsqlDbType.Bigint, e => e.DeviceMicroseconds);
        Add(NpgsqlDbType.Numeric, e => e.Cost);
        Add(NpgsqlDbType.Bigint, e => e.PromptTokens);
        Add(NpgsqlDbType.Bigint, e => e.CompletionTokens);
        command.Parameters.AddWithValue(_writer);
        command.Parameters.AddWithValue(_turn);
        await command.ExecuteNonQueryAsync(cancellationToken);

        void Add<T>(NpgsqlDbType type, Func<UsageEntry, T> value) =>
            command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | type, Value = Array.ConvertAll(entries, e => value(e)) });
    }

    private sealed class Sums
    {
        public long Requests;
        public long Failures;
        public long Cached;
        public long DeviceMicroseconds;
        public decimal Cost;
        public long PromptTokens;
        public long CompletionTokens;
    }
}
