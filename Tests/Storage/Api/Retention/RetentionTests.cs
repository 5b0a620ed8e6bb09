using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Retention;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class RetentionTests(Servers servers)
{
    private static readonly Dictionary<string, string?> Small = new() { ["Retention:BatchSize"] = "5", ["Retention:Pause"] = "00:00:00" };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_deletes_what_the_preview_counted_by_each_tenants_own_period()
    {
        await using var database = await OwnDatabase.CreateAsync(servers, Small);
        foreach (var tenant in new[] { "short", "usual", "long" })
        {
            await TenantData.WriteAsync(database, tenant, $"key of {tenant}");
        }

        await database.ExecuteAsync("UPDATE tenants SET retention_days = CASE id WHEN 'short' THEN 2 WHEN 'long' THEN 300 END");
        await database.ExecuteAsync("UPDATE predictions SET received_at = now() - interval '3 days' WHERE tenant_id = 'short'");
        await database.ExecuteAsync("UPDATE predictions SET received_at = now() - interval '40 days' WHERE tenant_id <> 'short'");
        await database.ExecuteAsync("""
            UPDATE jobs SET finished_at = now() - interval '40 days', id = (
                lpad(to_hex((extract(epoch FROM now() - interval '41 days') * 1000)::bigint), 12, '0') || '7' || substr(id::text, 16, 3)
                || substr(id::text, 20))::uuid
            """);
        await database.ExecuteAsync("UPDATE jobs SET finished_at = NULL, state = 'running', lease_until = now() WHERE tenant_id = 'usual'");
        await database.ExecuteAsync("""
            INSERT INTO shadow_comparisons (id, compared_at, model, version, shadow_version, compute_microseconds, shadow_compute_microseconds)
            SELECT gen_random_uuid(), now() - n * interval '10 days', 'm', '1', '2', 1, 1 FROM generate_series(1, 5) n
            """);
        await database.ExecuteAsync("""
            INSERT INTO predictions (id, received_at, tenant_id, model, version, status, batch_size, queue_microseconds, compute_microseconds,
                total_microseconds, role, priority, cache_hit, cost)
            VALUES (gen_random_uuid(), now() - interval '40 days', 'nobody', 'm', '1', 200, 1, 1, 1, 2, 'stable', 'normal', false, 0)
            """);
        var retention = database.Get<RetentionRun>();

        var preview = await retention.PreviewAsync(Cancellation);
        var deleted = await retention.RunAsync("tester", Cancellation);

        (string, string?, int, long)[] expected =
        [
            ("jobs", "short", 2, 1), ("predictions", "nobody", 30, 1), ("predictions", "short", 2, 12), ("predictions", "usual", 30, 12),
            ("shadow_comparisons", null, 30, 3),
        ];
        Assert.Equal(expected, Sorted(preview));

        // Rows of nobody are deleted as the platform's.
        Assert.Equal(
            expected.Select(e => e.Item2 == "nobody" ? (e.Item1, null, e.Item3, e.Item4) : e).OrderBy(e => (e.Item1, e.Item2)),
            Sorted(deleted!));
        Assert.Equal(12, await database.ScalarAsync<long>("SELECT count(*) FROM predictions"));
        Assert.Empty(await retention.PreviewAsync(Cancellation));
        Assert.Empty((await retention.RunAsync("tester", Cancellation))!);
    }

    [Fact]
    public async Task Audit_chain_is_pruned_and_stays_verifiable()
    {
        await using var database = await OwnDatabase.CreateAsync(servers, Small);
        await database.Get<AuditChain>().AppendAsync(
            [
                .. Enumerable.Range(0, 10).Select(i => Old(i, days: 500)),
                .. Enumerable.Range(0, 5).Select(i => Old(i, days: 10)),
            ],
            Cancellation);
        var retention = database.Get<RetentionRun>();

        Assert.Equal(("audit_entries", null, 400, 10), Assert.Single(Sorted(await retention.PreviewAsync(Cancellation))));
        Assert.Equal(("audit_entries", null, 400, 10), Assert.Single(Sorted((await retention.RunAsync("tester", Cancellation))!)));

        var found = await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation);
        Assert.Equal((true, 6, 10), (found.Valid, found.Entries, found.PrunedThrough));
    }

    [Fact]
    public async Task Run_is_left_to_the_process_that_is_at_it()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await using var connection = await database.Source.OpenConnectionAsync(Cancellation);
        await using var held = await connection.BeginTransactionAsync(Cancellation);
        await using var take = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtext('inference.retention'))", connection);
        await take.ExecuteNonQueryAsync(Cancellation);

        Assert.Null(await database.Get<RetentionRun>().RunAsync("tester", Cancellation));
    }

    private static AuditEvent Old(int number, int days) =>
        new("thing.changed", "Ann", null, $"{number}") { At = DateTimeOffset.UtcNow.AddDays(-days) };

    private static IEnumerable<(string Table, string? Tenant, int Days, long Rows)> Sorted(IReadOnlyList<ExpiredRows> rows) =>
        rows.Select(r => (r.Table, r.Tenant, r.Days, r.Rows)).OrderBy(r => (r.Table, r.Tenant));
}
