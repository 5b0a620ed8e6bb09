using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;

namespace InferenceTemplate.Tests.Storage;

public sealed class CatalogRefreshTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Refreshes_that_come_while_one_reads_share_the_next()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var gate = new Gate(registry);
        using var catalog = new ModelCatalog(gate, TimeProvider.System, NullLogger<ModelCatalog>.Instance);

        var first = catalog.RefreshAsync(Cancellation);
        await gate.Reading.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);
        var others = Enumerable.Range(0, 100).Select(_ => catalog.RefreshAsync(Cancellation)).ToArray();
        gate.Open.SetResult();
        var (before, after) = (await first, await Task.WhenAll(others));

        Assert.Equal(2, gate.Readings);
        Assert.All(after, snapshot => Assert.NotSame(before, snapshot));
    }

    // Holds the first reading until it is opened.
    private sealed class Gate(Registry registry) : IDbContextFactory<InferenceDbContext>
    {
        private int _readings;

        public TaskCompletionSource Reading { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Readings => _readings;

        public InferenceDbContext CreateDbContext() => throw new NotSupportedException("The catalog reads asynchronously.");

        public async Task<InferenceDbContext> CreateDbContextAsync(CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _readings);
            Reading.TrySetResult();
            await Open.Task.WaitAsync(cancellationToken);
            return await registry.DatabaseAsync();
        }
    }
}
