using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>The plans that Postgres makes for the product's own queries when its tables have grown.</summary>
public sealed partial class IndexTests : IAsyncLifetime
{
    private const string Password = "six-old-lanterns-hang-over-the-ferry";

    // Of a month and some days, by 50 tenants: a table that a plan reads whole must cost more than its index.
    private const string Rows = """
        INSERT INTO tenants (id, name, created_at) SELECT 't' || i, 't' || i, now() FROM generate_series(1, 49) i;
        INSERT INTO api_keys (id, prefix, hash, tenant_id, name, role, created_at)
        SELECT gen_random_uuid(), 'p' || i, 'x', 't' || (i % 49 + 1), 'k' || i, 'user', now() FROM generate_series(1, 20000) i;

        CREATE TEMP TABLE times AS SELECT i, now() - i * interval '1 minute' AS at,
            CASE i % 50 WHEN 0 THEN 'default' ELSE 't' || i % 50 END AS tenant,
            'm' || i % 20 AS model, (lpad(to_hex((extract(epoch FROM now() - i * interval '1 minute') * 1000)::bigint), 12, '0') || '7'
            || substr(md5(i::text), 1, 3) || '8' || substr(md5(i::text), 4, 15))::uuid AS id FROM generate_series(1, 50000) i;
        INSERT INTO predictions (id, received_at, tenant_id, model, version, status, batch_size, queue_microseconds, compute_microseconds,
            total_microseconds, trace_id)
        SELECT id, at, tenant, model, '1', CASE WHEN i % 90 = 0 THEN 500 ELSE 200 END, 1, 1, 1, 1, md5(i::text) FROM times;
        INSERT INTO request_payloads (id, tenant_id, model, received_at, expires_at, envelope)
        SELECT id, tenant, model, at, at + interval '30 days', 'x' FROM times;
        INSERT INTO jobs (id, tenant_id, model, version, priority, state, attempt, max_attempts, progress, created_at, queued_at,
            finished_at, deadline_at, expires_at, cancel_requested, batch_size, compute_microseconds)
        SELECT id, tenant, model, '1', 1, CASE WHEN i % 90 = 0 THEN 'failed' ELSE 'succeeded' END, 1, 3, 1, at, at, at, at,
            now() + interval '1 day', false, 1, 1 FROM times;
        INSERT INTO batches (id, tenant_id, key_id, key_name, role, state, total, completed, failed, attempt, created_at, finished_at,
            deadline_at, expires_at, is_emptied)
        SELECT id, tenant, 'k', 'k', 'user', 'completed', 1, 1, 0, 1, at, at, at, now() + interval '1 day', false FROM times;
        INSERT INTO batch_lines (batch_id, number, state) SELECT id, 1, 1 FROM times;
        INSERT INTO idempotency_keys (tenant_id, key_hash, token, created_at, expires_at)
        SELECT tenant, sha256(i::text::bytea), id, at, now() + interval '1 day' FROM times;
        INSERT INTO usage_hours (tenant_id, hour, model, version, requests, failures, cached, jobs, device_microseconds, cost)
        SELECT 't' || i % 49 + 1, date_trunc('hour', now()) - i / 49 * interval '1 hour', 'm', '1', 1, 0, 0, 0, 1, 0 FROM times;
        INSERT INTO model_events (at, model, version, kind, actor, audited)
        SELECT at, model, '1', 'promoted', 'a', true FROM times ORDER BY at;
        INSERT INTO traffic_decisions (id, model, decided_at, action, actor, audited) SELECT id, model, at, 'set', 'a', true FROM times;
        INSERT INTO traffic_minutes SELECT date_trunc('minute', at), 1, 0, 0, 1, 1, 1, 1 FROM times WHERE i < 11500;
        INSERT INTO traffic_model_minutes SELECT date_trunc('minute', at), 'm1', '1', 1, 0, 1, 1 FROM times WHERE i < 11500;
        INSERT INTO queue_minutes SELECT date_trunc('minute', at), 1, 1 FROM times WHERE i < 11500 ON CONFLICT DO NOTHING;
        INSERT INTO shadow_comparisons SELECT id, at, model, '1', '2', true, 0, 1, 1, NULL FROM times;
        INSERT INTO drift_windows SELECT id, 'stable', model, '1', 'x', false, 'numbers', at, at, 250, 0, 0, '{1}', '{1}' FROM times;
        INSERT INTO audit_actors (id, tenant_id, name, salt) SELECT id, tenant, 'a' || i, 'x' FROM times WHERE i <= 20000;
        INSERT INTO audit_entries
        SELECT i, gen_random_uuid(), at, 'job.cancelled', id, tenant, 's', NULL, 'x', 'x' FROM times WHERE i <= 20000;
        INSERT INTO audit_details SELECT i, tenant, 'x', '{}' FROM times WHERE i <= 20000;
        """;

    // Tables that stay small, whatever is served and for how long; minutes are kept for eight days.
    private static readonly string[] Small =
    [
        "tenants", "models", "model_versions", "model_aliases", "artefacts", "feature_flags", "loose_blobs", "usage_entries",
        "usage_writers", "tenant_months", "tenant_erasures", "sample_requests", "drift_baselines", "__EFMigrationsHistory", "traffic_minutes",
        "traffic_model_minutes", "queue_minutes", "times",
    ];

    private static readonly string[] Paths =
    [
        "/v1/audit", "/v1/audit?actor=a5", "/v1/audit?tenant=t5", "/v1/audit?action=job.cancelled",
        "/v1/batches", "/v1/batches?state=running", "/v1/batches?tenant=all",
        "/v1/batches/{id}", "/v1/batches/{id}/output", "/v1/batches/{id}/errors",
        "/v1/jobs", "/v1/jobs?tenant=all", "/v1/jobs?tenant=all&state=failed", "/v1/jobs?state=queued", "/v1/jobs?model=m3",
        "/v1/jobs/{id}",
        "/v1/keys", "/v1/keys?tenant=t3", "/v1/models/m1/events", "/v1/overview", "/v1/overview/changes?range=24h",
        "/v1/overview/history?range=1h", "/v1/overview/history?range=24h", "/v1/overview/history?range=7d", "/v1/overview/objectives",
        "/v1/requests", "/v1/requests?status=5xx", "/v1/requests?tenant=t3", "/v1/requests?model=m3", "/v1/requests?tenant=t3&model=m3",
        "/v1/requests?min_ms=5", "/v1/requests/{id}", "/v1/requests/{id}/payload", "/v1/tenants", "/v1/tenants/t3", "/v1/tenants/me",
        "/v1/usage", "/v1/usage?tenant=all", "/v1/usage/statement", "/v1/queues",
    ];

    private readonly OwnServer _postgres = new();
    private readonly OwnServer _redis = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Connection =>
        $"Host=127.0.0.1;Port={_postgres.Port};Username=postgres;Password={Password};Database=postgres";

    public async ValueTask InitializeAsync()
    {
        await _postgres.StartPostgresAsync(
            Password, "-c", "session_preload_libraries=auto_explain", "-c", "auto_explain.log_min_duration=0");
        await _redis.StartRedisAsync(Password, "--port", $"{_redis.Port}");
    }

    [Fact]
    public async Task What_is_asked_often_reads_no_table_whole()
    {
        var settings = OwnServices.Settings(Connection, $"127.0.0.1:{_redis.Port},password={Password}");
        var migrated = await ApiProcess.RunAsync(["--migrate"], settings, Cancellation);
        Assert.True(migrated.ExitCode == 0, migrated.Output + migrated.Error);
        await FillAsync();
        var before = Plans().Length;

        await using (var api = await ApiProcess.StartAsync(settings, Cancellation))
        {
            using var admin = new HttpClient { BaseAddress = new(api.Url) };
            admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Platform.AdminKey);
            await Wait.UntilAsync(async () =>
            {
                using var ready = await admin.GetAsync("/v1/overview", Cancellation);
                return ready.StatusCode == HttpStatusCode.OK;
            });
            var unknown = Guid.CreateVersion7().ToString();
            foreach (var path in Paths)
            {
                using var answer = await admin.GetAsync(path.Replace("{id}", unknown, StringComparison.Ordinal), Cancellation);
                Assert.True(
                    answer.StatusCode == HttpStatusCode.OK
                    || (answer.StatusCode == HttpStatusCode.NotFound && path.Contains("{id}", StringComparison.Ordinal)),
                    $"{path}: {answer.StatusCode}");
            }

            // What services do by themselves: the audit feed and the reconciler come once a second.
            await Wait.UntilAsync(() => Plans().Count(plan => plan.Contains("NOT audited", StringComparison.Ordinal)) >= 3);
        }

        var retention = await ApiProcess.RunAsync(
            ["admin", "retention"], [.. settings, ("Retention__Pause", "00:00:00")], Cancellation);
        Assert.True(retention.ExitCode == 0, retention.Output + retention.Error);
        Assert.All(
            ["predictions", "jobs", "batches", "shadow_comparisons", "request_payloads", "drift_windows"],
            table => Assert.Contains(table, retention.Output, StringComparison.Ordinal));

        // Payloads of tenants that are gone are looked for once a day.
        var whole = Plans()[before..]
            .Where(plan => WholeTable().Matches(plan).Any(scan => !Small.Contains(scan.Groups["table"].Value))
                && !(plan.Contains("FROM request_payloads", StringComparison.Ordinal)
                    && plan.Contains("NOT EXISTS", StringComparison.Ordinal)))
            .ToList();
        Assert.True(whole.Count == 0, string.Join('\n', whole));
    }

    private async Task FillAsync()
    {
        await using var database = NpgsqlDataSource.Create(Connection);
        await using var connection = await database.OpenConnectionAsync(Cancellation);
        foreach (var sql in new[] { "SET auto_explain.log_min_duration = -1", Rows, "VACUUM ANALYZE" })
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 180 };
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }

    // Each with its query, as auto_explain writes them.
    private string[] Plans() => _postgres.Output.Split("LOG:  duration: ")[1..];

    [GeneratedRegex(@"Seq Scan on ""?(?!pg_)(?<table>\w+)", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WholeTable();

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _postgres.DisposeAsync();
    }
}
