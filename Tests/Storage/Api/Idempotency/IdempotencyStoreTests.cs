using System.Security.Cryptography;
using InferenceTemplate.Api.Idempotency;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Storage;

public sealed class IdempotencyStoreTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    private static readonly KeptAnswer Answer = new([1, 2], 7, 201, [3, 4]);

    [Fact]
    public async Task Key_is_one_attempts_and_then_the_answers()
    {
        var (store, scope) = (await StoreAsync(), Scope());

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.ClaimAsync(scope, Stopping)));
        var token = Assert.Single(claims, claim => claim.Token is not null).Token!.Value;
        await store.KeepAsync(scope, token, Answer);
        var known = await store.ClaimAsync(scope, Stopping);

        Assert.All(claims.Where(c => c.Token is null), claim => Assert.Null(claim.Kept));
        Assert.Null(known.Token);
        Assert.Equal((7L, (short)201), (known.Kept!.BodyLength, known.Kept.Status));
        Assert.Equal([1, 2], known.Kept.Fingerprint);
        Assert.Equal([3, 4], known.Kept.Answer);
    }

    [Fact]
    public async Task Key_that_was_given_back_is_free_and_an_answer_is_never_given_back()
    {
        var (store, scope) = (await StoreAsync(), Scope());
        var first = (await store.ClaimAsync(scope, Stopping)).Token!.Value;

        await store.ReleaseAsync(scope, first);
        var second = (await store.ClaimAsync(scope, Stopping)).Token!.Value;
        await store.ReleaseAsync(scope, first);
        await store.KeepAsync(scope, second, Answer);
        await store.ReleaseAsync(scope, second);

        Assert.NotNull((await store.ClaimAsync(scope, Stopping)).Kept);
    }

    [Fact]
    public async Task Batch_that_was_accepted_with_a_key_is_known_to_the_next_attempt_and_the_one_before_accepts_nothing()
    {
        var (store, scope) = (await StoreAsync(), Scope());
        var batch = new AcceptedBatch(Guid.NewGuid(), [1, 2], 7);
        var first = (await store.ClaimAsync(scope, Stopping)).Token!.Value;
        await using var connection = await servers.Database.OpenConnectionAsync(Stopping);
        Assert.True(await IdempotencyStore.AcceptAsync(connection, scope, first, batch));
        await store.ReleaseAsync(scope, first);

        var next = await store.ClaimAsync(scope, Stopping);

        Assert.Equal((batch.Id, batch.BodyLength), (next.Accepted!.Id, next.Accepted.BodyLength));
        Assert.Equal(batch.Fingerprint, next.Accepted.Fingerprint);
        Assert.False(await IdempotencyStore.AcceptAsync(connection, scope, first, batch with { Id = Guid.NewGuid() }));
    }

    [Fact]
    public async Task Key_of_an_attempt_that_died_is_free_when_its_lock_has_run_out_and_the_dead_one_writes_nothing()
    {
        var (store, scope) = (await StoreAsync(options => options.Lock = TimeSpan.FromMilliseconds(1)), Scope());
        var dead = (await store.ClaimAsync(scope, Stopping)).Token!.Value;
        Guid? alive = null;
        var wait = Wait.For("the lock to run out");
        while (alive is null)
        {
            alive = (await store.ClaimAsync(scope, Stopping)).Token;
            await wait.PauseAsync();
        }

        await store.KeepAsync(scope, dead, Answer with { Status = 500 });
        await store.KeepAsync(scope, alive.Value, Answer);

        Assert.Equal(201, (await store.ClaimAsync(scope, Stopping)).Kept!.Status);
    }

    [Fact]
    public async Task Key_is_another_for_another_tenant_and_free_after_its_retention()
    {
        var (store, scope) = (await StoreAsync(options => options.Retention = TimeSpan.FromMilliseconds(1)), Scope());
        await store.KeepAsync(scope, (await store.ClaimAsync(scope, Stopping)).Token!.Value, Answer);

        Assert.NotNull((await store.ClaimAsync(scope with { TenantId = "other" }, Stopping)).Token);
        await Wait.UntilAsync(async () => (await store.ClaimAsync(scope, Stopping)).Token is not null);

        await store.ExpireAsync(Stopping);
    }

    private static IdempotencyScope Scope() => new("tenant", RandomNumberGenerator.GetBytes(32));

    private async Task<IdempotencyStore> StoreAsync(Action<IdempotencyOptions>? configure = null)
    {
        await using var services = new ServiceCollection().AddLogging().AddSingleton(servers.Database).AddData().BuildServiceProvider();
        await services.GetRequiredService<SchemaMigrator>().MigrateAsync(Stopping);
        var options = new IdempotencyOptions();
        configure?.Invoke(options);
        return new IdempotencyStore(servers.Database, Options.Create(options));
    }
}
