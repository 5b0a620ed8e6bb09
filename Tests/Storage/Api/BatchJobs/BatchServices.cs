using InferenceTemplate.Api;
using InferenceTemplate.Api.BatchJobs;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Storage;

/// <summary>
/// What an Api replica has of batches, over a real Postgres, for a tenant of its own. Claims and sweeps see every tenant's batches, so
/// tests with it are in one collection.
/// </summary>
internal sealed class BatchServices : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly Servers _servers;

    private BatchServices(Servers servers, Action<BatchOptions> configure)
    {
        // Tests need times that are too short for anything else: validation is left out.
        var options = new BatchOptions();
        configure(options);
        _servers = servers;
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddSingleton(servers.Database)
            .AddSingleton(servers.Redis)
            .AddSlices()
            .AddBatchStore()
            .AddSingleton(Options.Create(options))
            .BuildServiceProvider();
        Owner = new(Tenant, "key", "Key", "user");
    }

    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    public string Tenant { get; } = $"tenant-{Guid.NewGuid():N}";

    public BatchOwner Owner { get; }

    public BatchIntake Intake => Get<BatchIntake>();

    public BatchLeases Leases => Get<BatchLeases>();

    public BatchEndings Endings => Get<BatchEndings>();

    public static async Task<BatchServices> StartAsync(Servers servers, Action<BatchOptions>? configure = null)
    {
        var services = new BatchServices(servers, configure ?? (_ => { }));
        await services.Get<SchemaMigrator>().MigrateAsync(Stopping);
        return services;
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public static NewBatchLine Line(int number, string? error = null) =>
        new(number, $"custom-{number}", "model", "1", error is null ? "{}"u8.ToArray() : null, error, error is null ? null : (short)400);

    /// <summary>A batch that waits, of so many lines that are right.</summary>
    public async Task<Guid> AcceptAsync(int lines = 3)
    {
        var id = (await Intake.BeginAsync(Owner, Stopping)).Id!.Value;
        await Intake.AddAsync(id, [.. Enumerable.Range(1, lines).Select(n => Line(n))], Stopping);
        await Intake.FinishAsync(id);
        return id;
    }

    /// <summary>Claims when the present lease has run out.</summary>
    public async Task<BatchLease> ClaimAsync()
    {
        var wait = Wait.For("the present lease to run out");
        while (true)
        {
            if (await Leases.ClaimAsync(Stopping) is { } lease)
            {
                return lease;
            }

            await wait.PauseAsync();
        }
    }

    public Task<bool> RecordAsync(BatchLease lease, int number, byte result = 1) =>
        Leases.RecordAsync(lease, [new(number, [result], null, null)], Stopping);

    public async Task<BatchFacts?> FindAsync(Guid id) => await Get<BatchQueries>().FindAsync(Tenant, models: null, id, Stopping);

    public async Task<List<BatchFileLine>> LinesAsync(Guid id, bool completed)
    {
        var lines = new List<BatchFileLine>();
        await foreach (var line in Get<BatchQueries>().LinesAsync(id, completed, Stopping))
        {
            lines.Add(line);
        }

        return lines;
    }

    public Task SweepAsync() => Get<BatchSweep>().RunAsync(Stopping);

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = _servers.Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        return (T)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }

    public async ValueTask DisposeAsync()
    {
        await ScalarAsync<long>("""
            WITH gone AS (DELETE FROM batches WHERE tenant_id = $1 RETURNING id),
                 lines AS (DELETE FROM batch_lines USING gone WHERE batch_id = gone.id)
            SELECT count(*) FROM gone
            """, Tenant);
        await _services.DisposeAsync();
    }
}
