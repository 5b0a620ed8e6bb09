using InferenceTemplate.Api;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Storage;

/// <summary>
/// What an Api replica has of jobs, over real servers, for a tenant and a model of its own. The reconciler sees every job, so
/// tests with it are in one collection.
/// </summary>
internal sealed class JobServices : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly Servers _servers;

    private JobServices(Servers servers, Action<JobOptions> jobs, Action<QueueOptions> queue)
    {
        _servers = servers;
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddSingleton(servers.Database)
            .AddSingleton(servers.Redis)
            .AddSlices()
            .AddJobAcceptance()
            .AddSingleton(Short(jobs))
            .Configure(queue)
            .BuildServiceProvider();
    }

    // Tests need times that are too short for anything else: validation is left out.
    private static IOptions<JobOptions> Short(Action<JobOptions> configure)
    {
        var options = new JobOptions();
        configure(options);
        return Options.Create(options);
    }

    public string Tenant { get; } = $"tenant-{Guid.NewGuid():N}";

    public string Model { get; } = $"model-{Guid.NewGuid():N}";

    public JobWriter Writer => Get<JobWriter>();

    public JobLeases Leases => Get<JobLeases>();

    public JobReconciler Reconciler => Get<JobReconciler>();

    public JobCancellation Cancellation => Get<JobCancellation>();

    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    public static async Task<JobServices> StartAsync(
        Servers servers, Action<JobOptions>? jobs = null, Action<QueueOptions>? queue = null, bool writing = true)
    {
        var services = new JobServices(servers, jobs ?? (_ => { }), queue ?? (_ => { }));
        await services.Get<SchemaMigrator>().MigrateAsync(Stopping);
        if (writing)
        {
            await services.Get<JobDispatcher>().StartAsync(Stopping);
            await services.Writer.StartAsync(Stopping);
        }

        return services;
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public Task<JobAcceptance> AcceptAsync(
        string? key = null, byte hash = 0, string? tenant = null, string? requestId = null, TimeSpan? timeout = null,
        string? model = null) =>
        Writer.AcceptAsync(
            new NewJob(
                tenant ?? Tenant, model ?? Model, "1", Priority.Low,
                [new Tensor("x", Datatype.Fp32, [1], new byte[] { 0, 0, 128, 63 })], [],
                timeout, requestId, key, key is null ? null : [hash]),
            Stopping);

    /// <summary>Ids of new jobs.</summary>
    public async Task<Guid[]> AcceptAsync(int count) =>
        [.. (await Task.WhenAll(Enumerable.Range(0, count).Select(_ => AcceptAsync()))).Select(a => a.Id)];

    public async Task<JobFacts> FindAsync(Guid id) => (await Get<JobQueries>().FindAsync(Tenant, models: null, id, Stopping))!;

    /// <summary>What the queue delivers of it.</summary>
    public async Task<InferenceRequest> EntryAsync(Guid id)
    {
        await using var command = _servers.Database.CreateCommand("SELECT request FROM jobs WHERE id = $1");
        command.Parameters.AddWithValue(id);
        return RequestCodec.Decode((byte[])(await command.ExecuteScalarAsync(Stopping))!);
    }

    /// <summary>Entries of jobs, whenever those end.</summary>
    public static JobEntry[] Entries(params Guid[] ids) => [.. ids.Select(id => new JobEntry(id, DateTimeOffset.MaxValue))];

    public async Task<JobLease> ClaimAsync(Guid id, string worker = "worker") =>
        Assert.Single(await Leases.ClaimAsync(JobServices.Entries(id), worker, Stopping));

    /// <summary>Claims when the present lease has run out.</summary>
    public async Task<JobLease> ClaimLostAsync(Guid id, string worker)
    {
        var wait = Wait.For($"the present lease of {id} to run out");
        while (true)
        {
            if (await Leases.ClaimAsync(JobServices.Entries(id), worker, Stopping) is [var lease])
            {
                return lease;
            }

            await wait.PauseAsync();
        }
    }

    public static JobOutcome Succeeded(JobLease lease, byte output = 1) =>
        new(lease, JobState.Succeeded, [output], Error: null, ErrorStatus: null, BatchSize: 1, TimeSpan.FromMilliseconds(1));

    public Task<IReadOnlyDictionary<Guid, JobState>> FinishAsync(JobOutcome outcome) => Leases.FinishAsync([outcome], Stopping);

    public async Task<long> DepthAsync(string? model = null) => (await Get<RequestQueue>().DepthsAsync([(model ?? Model, "1")]))[0];

    public async Task DepthIsAsync(long depth, string? model = null)
    {
        await Wait.UntilAsync(async () => await DepthAsync(model) == depth);
    }

    /// <summary>What FLUSHALL does to jobs, sparing other tests' queues.</summary>
    public Task LoseEntriesAsync(int leave) => _servers.Redis.GetDatabase().StreamTrimAsync(
        QueueKeys.All(new QueueName(Model, "1"))[(int)Priority.Low], leave, useApproximateMaxLength: false);

    public async Task LoseEntryAsync(Guid job)
    {
        var (redis, stream) = (_servers.Redis.GetDatabase(), QueueKeys.All(new QueueName(Model, "1"))[(int)Priority.Low]);
        var entry = (await redis.StreamRangeAsync(stream)).Single(e => new Guid((byte[])e["id"]!) == job);
        await redis.StreamDeleteAsync(stream, [entry.Id]);
    }

    public async Task LoseRedisDataAsync(params string[] models)
    {
        foreach (var pattern in models.Append(Model).Select(model => $"inference:{{{model}/*").Append("inference:jobs:epoch"))
        {
            await _servers.Redis.RemoveAsync(pattern);
        }
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = _servers.Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        return (T)(await command.ExecuteScalarAsync(Stopping))!;
    }

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = _servers.Database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await Writer.StopAsync(CancellationToken.None);
        await Get<JobDispatcher>().StopAsync(CancellationToken.None);
        await ExecuteAsync("DELETE FROM jobs WHERE tenant_id LIKE $1", $"{Tenant}%");
        await _services.DisposeAsync();
    }
}
