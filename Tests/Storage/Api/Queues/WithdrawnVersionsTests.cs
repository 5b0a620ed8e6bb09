using InferenceTemplate.Api.Queues;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class WithdrawnVersionsTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0 s")]
    [InlineData("100 days")]
    public async Task Keys_of_a_version_that_is_deleted_are_removed_however_long_ago_that_was(string ago)
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var (deleted, kept) = (new TestQueue(servers), new TestQueue(servers));
        await RegisterAsync(database, deleted);
        await RegisterAsync(database, kept);
        await database.ExecuteAsync(
            "UPDATE model_versions SET deleted_at = now() - $2::interval WHERE model = $1", deleted.Name.Model, ago);
        await deleted.EnqueueAsync(kind: RequestKind.Job);
        await kept.EnqueueAsync(kind: RequestKind.Job);

        Assert.True(await database.Get<WithdrawnVersions>().RemoveAsync(Cancellation));

        Assert.Equal(0, await deleted.Redis.KeyExistsAsync(QueueKeys.All(deleted.Name)));
        Assert.Equal(1, (await kept.StatsAsync()).Depth);

        // A replica that had not heard of it.
        await deleted.EnqueueAsync();
        await database.Get<WithdrawnVersions>().RemoveAsync(Cancellation);
        Assert.Equal(ago == "0 s" ? 0 : 1, (await deleted.StatsAsync()).Depth);
    }

    [Fact]
    public async Task Calls_of_a_model_that_is_unloaded_are_refused_until_it_is_in_service_again()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var queue = new TestQueue(servers);
        await RegisterAsync(database, queue);
        await database.ExecuteAsync("UPDATE models SET residency = 'Unload' WHERE name = $1", queue.Name.Model);
        await queue.EnqueueAsync();
        await queue.EnqueueAsync(kind: RequestKind.Job);

        await database.Get<WithdrawnVersions>().RemoveAsync(Cancellation);
        Assert.Equal(1, (await queue.StatsAsync()).Depth);

        await database.ExecuteAsync("UPDATE models SET residency = 'Auto' WHERE name = $1", queue.Name.Model);
        await queue.EnqueueAsync();
        await database.Get<ModelCatalog>().RefreshAsync(Cancellation);
        await database.Get<WithdrawnVersions>().RemoveAsync(Cancellation);
        Assert.Equal(2, (await queue.StatsAsync()).Depth);
    }

    private static async Task RegisterAsync(OwnDatabase database, TestQueue queue)
    {
        await database.ExecuteAsync(
            "INSERT INTO models (name, settings, created_at, updated_at) VALUES ($1, '{}', now(), now())", queue.Name.Model);
        await database.ExecuteAsync(
            """
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            VALUES ($1, '1', 'onnxruntime_onnx', repeat('0', 64), 1, '{"inputs":[],"outputs":[]}', now())
            """,
            queue.Name.Model);
    }
}
