using System.Diagnostics.Metrics;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Worker;

public sealed class JobLeaseTrackerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Calls_pass_and_jobs_are_postponed_while_nothing_is_known_of_jobs(bool disposed)
    {
        // Nothing listens on port 1; what is disposed fails in a way of which nobody thought.
        await using var database = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Database=none;Username=none;Timeout=2");
        using var redis = await ConnectionMultiplexer.ConnectAsync("127.0.0.1:1,abortConnect=false,connectTimeout=200,connectRetry=0");
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var options = Options.Create(new JobOptions());
        using var tracker = new JobLeaseTracker(
            new JobLeases(database, options), NoCosts(), new JobSignals(redis),
            new JobTelemetry(services.GetRequiredService<IMeterFactory>()),
            new ServingState(TimeProvider.System), options, TimeProvider.System, NullLogger<JobLeaseTracker>.Instance);
        if (disposed)
        {
            await database.DisposeAsync();
        }

        // An entry that is late is none of its job's any more, which may have been given another time and entry.
        var (call, job, late) = (Request(RequestKind.Call), Request(RequestKind.Job), Request(RequestKind.Job, late: true));

        var mixed = await tracker.ClaimAsync([call, late, job]);
        var calls = await tracker.ClaimAsync([call]);
        var none = await tracker.ClaimAsync([late]);

        Assert.Equal([call], mixed.Ready);
        Assert.Equal([late], mixed.Dropped);
        Assert.Equal([late], none.Dropped);
        Assert.Equal([job], mixed.Postponed);
        Assert.Equal([call], calls.Ready);
    }

    [Fact]
    public async Task Postgres_whose_host_has_no_address_is_away()
    {
        await using var database = NpgsqlDataSource.Create("Host=postgres.invalid;Database=none;Username=none;Timeout=5");

        var exception = await Record.ExceptionAsync(() => new JobLeases(database, Options.Create(new JobOptions()))
            .ClaimAsync([new(Guid.NewGuid(), DateTimeOffset.MaxValue)], "w", TestContext.Current.CancellationToken));

        Assert.NotNull(exception);
        Assert.True(Outages.IsDatabaseAway(exception), exception.ToString());
    }

    // Nothing is finished here, so nothing has a price.
    internal static JobCosts NoCosts() => new(
        new ModelCatalog(null!, TimeProvider.System, NullLogger<ModelCatalog>.Instance), Options.Create(new CostOptions()));

    private static QueuedRequest Request(RequestKind kind, bool late = false)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new("1-0", new InferenceRequest(
            Guid.NewGuid(), "m", "1", "default", kind, Priority.Normal, "", now, late ? now : now.AddHours(1), null, null, [], []));
    }
}
