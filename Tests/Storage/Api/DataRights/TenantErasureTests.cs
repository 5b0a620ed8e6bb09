using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class TenantErasureTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Erasure_leaves_facts_without_personal_data_and_other_tenants_as_they_were()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key", deleted: true);
        await TenantData.WriteAsync(database, "other", "Bob's key");

        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);

        await using var context = await database.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);
        foreach (var table in TenantTable.All(context.Model).Where(t => t.IsErased))
        {
            Assert.Equal(0, await database.ScalarAsync<long>($"SELECT count(*) FROM {table.Name} WHERE {table.IsTenants}", "acme"));
        }

        Assert.Equal(12, await database.ScalarAsync<long>("SELECT count(*) FROM predictions WHERE tenant_id = 'other'"));
        foreach (var table in context.Model.GetEntityTypes().Select(e => e.GetTableName()!).Distinct(StringComparer.Ordinal))
        {
            var traces = await database.ScalarAsync<long>($"SELECT count(*) FROM {table} r WHERE r::text LIKE '%Ann%'");
            Assert.True(traces == 0, $"{table} still names a person");
        }

        Assert.Equal(
            2, await database.ScalarAsync<long>("SELECT count(*) FROM audit_actors WHERE name LIKE '%Bob%' OR name = 'First admin key'"));
        var state = (await database.Get<TenantErasure>().FindAsync("acme", Cancellation))!;
        Assert.NotNull(state.FinishedAt);
        Assert.True(state.Rows >= 15, $"{state.Rows} rows are said to be gone");
        await ChainIsValidAsync(database);
    }

    [Fact]
    public async Task Erasure_forgets_who_came_with_a_token_and_never_had_a_key()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key", deleted: true);
        await TenantData.WriteAsync(database, "other", "Bob's key");
        await database.Get<AuditChain>().AppendAsync(
            [
                new AuditEvent("access.denied", "Jane Doe", "acme", "GET /v1/requests") { ActorTenantId = "acme" },
                new AuditEvent("access.denied", "Sam", "acme", "GET /v1/requests") { ActorTenantId = "acme" },
                new AuditEvent("access.denied", "Sam", "other", "GET /v1/requests") { ActorTenantId = "other" },
            ],
            Cancellation);
        await database.ExecuteAsync("INSERT INTO model_events (at, model, kind, actor) VALUES (now(), 'm', 'promoted', 'Jane Doe')");
        await database.ExecuteAsync("INSERT INTO model_events (at, model, kind, actor) VALUES (now(), 'm', 'promoted', 'Sam')");
        await database.Get<AuditFeed>().PassAsync(Cancellation);

        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);

        await using var context = await database.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);
        foreach (var table in context.Model.GetEntityTypes().Select(e => e.GetTableName()!).Distinct(StringComparer.Ordinal))
        {
            var traces = await database.ScalarAsync<long>($"SELECT count(*) FROM {table} r WHERE r::text LIKE '%Jane%'");
            Assert.True(traces == 0, $"{table} still names a person");
        }

        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM audit_actors WHERE name = 'Sam' AND tenant_id = 'other'"));
        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM model_events WHERE actor = 'Sam'"));
        await ChainIsValidAsync(database);
    }

    [Fact]
    public async Task Erasure_that_broke_off_is_gone_on_with()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key", deleted: true);
        await database.ExecuteAsync("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
            CREATE TRIGGER refuse BEFORE DELETE ON predictions FOR EACH STATEMENT EXECUTE FUNCTION refuse()
            """);
        await Assert.ThrowsAsync<PostgresException>(() => database.Get<TenantErasure>().EraseAsync("acme", Cancellation));
        Assert.Null((await database.Get<TenantErasure>().FindAsync("acme", Cancellation))!.FinishedAt);

        await database.ExecuteAsync("DROP TRIGGER refuse ON predictions");
        var service = database.Hosted<ErasureService>();
        await service.StartAsync(Cancellation);
        await Wait.UntilAsync(async () => (await database.Get<TenantErasure>().FindAsync("acme", Cancellation))!.FinishedAt is not null);

        await service.StopAsync(Cancellation);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM predictions"));
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM model_events WHERE actor = $1", "Ann's key"));
        await ChainIsValidAsync(database);
    }

    [Fact]
    public async Task What_is_recorded_late_is_swept_and_the_chain_says_so()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key", deleted: true);
        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);
        await database.Get<AuditChain>().AppendAsync(
            [new AuditEvent("job.seen", "Ann", "acme", "late",
                new Dictionary<string, string> { ["name"] = "Ann" }) { ActorTenantId = "acme" }], Cancellation);

        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);
        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);

        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM audit_details WHERE tenant_id = 'acme'"));
        Assert.Equal(2, await database.ScalarAsync<long>("SELECT count(*) FROM audit_entries WHERE action = 'tenant.erased'"));
        await ChainIsValidAsync(database);
    }

    [Fact]
    public async Task Dead_letters_of_the_tenant_go_and_others_stay()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key", deleted: true);
        var queue = new TestQueue(servers, o => o.MaxDeliveries = 1);
        await database.ExecuteAsync(
            "INSERT INTO models (name, settings, created_at, updated_at) VALUES ($1, '{}', now(), now())", queue.Name.Model);
        await database.ExecuteAsync(
            """
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            VALUES ($1, '1', 'onnxruntime_onnx', repeat('0', 64), 1, '{"inputs":[],"outputs":[]}', now())
            """,
            queue.Name.Model);
        foreach (var tenant in new[] { "acme", "other" })
        {
            await queue.EnqueueAgainAsync(queue.Request() with { TenantId = tenant });
        }

        var worker = queue.Worker("w");
        foreach (var request in await worker.ReadAsync(2))
        {
            await worker.RetryAsync(request, "no good");
        }

        Assert.Equal(2, (await queue.DeadLetters.ListAsync(queue.Name, null, 10)).Count);
        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);

        Assert.Equal("other", Assert.Single(await queue.DeadLetters.ListAsync(queue.Name, null, 10)).Request!.TenantId);
    }

    [Fact]
    public async Task What_waits_of_the_tenant_goes_too_and_others_stay()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key", deleted: true);
        var queue = new TestQueue(servers);
        await database.ExecuteAsync(
            "INSERT INTO models (name, settings, created_at, updated_at) VALUES ($1, '{}', now(), now())", queue.Name.Model);
        await database.ExecuteAsync(
            """
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            VALUES ($1, '1', 'onnxruntime_onnx', repeat('0', 64), 1, '{"inputs":[],"outputs":[]}', now())
            """,
            queue.Name.Model);
        foreach (var number in Enumerable.Range(0, 40))
        {
            await queue.EnqueueAgainAsync(
                queue.Request(number % 2 == 0 ? Priority.Low : Priority.High, kind: RequestKind.Job) with
                {
                    TenantId = number < 39 ? "acme" : "other",
                });
        }

        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);

        var left = Assert.Single(await queue.Worker("w").ReadAsync(100));
        Assert.Equal("other", left.Request.TenantId);
        Assert.Equal(left.Bytes, (await queue.StatsAsync()).Bytes);
    }

    [Fact]
    public async Task Tenant_that_is_not_deleted_is_not_erased()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key");
        await database.ExecuteAsync("UPDATE tenants SET deleted_at = now() WHERE id = 'default'");

        Assert.False(await database.Get<TenantErasure>().BeginAsync("acme", Cancellation));
        Assert.False(await database.Get<TenantErasure>().BeginAsync(Tenant.DefaultId, Cancellation));
        await Assert.ThrowsAsync<InvalidOperationException>(() => database.Get<TenantErasure>().EraseAsync("acme", Cancellation));
        Assert.Equal(12, await database.ScalarAsync<long>("SELECT count(*) FROM predictions"));
    }

    private static async Task ChainIsValidAsync(OwnDatabase database)
    {
        var found = await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation);
        Assert.Null(found.FirstInvalid);
        Assert.True(found.Erased > 0);
    }
}
