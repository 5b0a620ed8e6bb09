using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class ObservabilityTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Services => Repository.HasDashboard ? ["api", "worker", "web"] : ["api", "worker"];

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Service_answers_its_probes_to_anybody_and_details_to_nobody_without_credentials(string service)
    {
        using var client = platform.Anonymous(service);

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/alive", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/metrics", Cancellation)).StatusCode);
        using var detailed = await client.GetAsync("/health/detailed", Cancellation);
        Assert.NotEqual(HttpStatusCode.OK, detailed.StatusCode);
    }

    [Fact]
    public async Task History_has_the_minutes_that_were_recorded_with_failures_and_latencies()
    {
        await platform.ExecuteAsync("""
            INSERT INTO predictions (id, received_at, tenant_id, model, version, status, batch_size, queue_microseconds, compute_microseconds,
                total_microseconds, role, priority, cache_hit, cost)
            SELECT gen_random_uuid(), date_trunc('minute', now()) - interval '90 seconds', 'history', 'past', '1',
                CASE WHEN i <= 60 THEN 500 WHEN i <= 180 THEN 400 ELSE 200 END, 0, 0, 0, 4000000, 'stable', 'normal', false, 0
            FROM generate_series(1, 6000) i
            """);
        using var client = platform.Admin();
        var wait = Wait.For("the minute in the history");
        while (true)
        {
            var history = await (await client.GetAsync("/v1/overview/history?range=1h", Cancellation)).JsonAsync();
            var points = history.GetProperty("points").EnumerateArray().ToList();
            Assert.Equal((60, 60), (points.Count, history.GetProperty("step_seconds").GetInt32()));

            // Neighbors' minutes may have as many, and what is counted later is read later.
            var model = history.GetProperty("models").EnumerateArray().SingleOrDefault(m => m.GetProperty("model").GetString() == "past");
            var at = model.ValueKind == JsonValueKind.Object
                ? model.GetProperty("requests_per_second").EnumerateArray().ToList().FindIndex(rate => rate.GetDouble() >= 100) : -1;
            if (at >= 0 && points[at] is var point && point.GetProperty("requests_per_second").GetDouble() >= 100)
            {
                Assert.True(point.GetProperty("errors_per_second").GetDouble() >= 1);
                Assert.True(point.GetProperty("rejections_per_second").GetDouble() >= 2);
                Assert.Equal((4, 4), (point.GetProperty("p95").GetDouble(), point.GetProperty("p99").GetDouble()));
                Assert.Equal(
                    (100, 1, 4),
                    (model.GetProperty("requests_per_second")[at].GetDouble(), model.GetProperty("errors_per_second")[at].GetDouble(),
                        model.GetProperty("p95")[at].GetDouble()));
                break;
            }

            await wait.PauseAsync();
        }

        foreach (var (range, count, step) in ((string, int, int)[])[("24h", 96, 900), ("7d", 84, 7200)])
        {
            // A sum that began before the records were there is made good by the next.
            await Wait.UntilAsync(async () =>
            {
                var history = await (await client.GetAsync($"/v1/overview/history?range={range}", Cancellation)).JsonAsync();
                var points = history.GetProperty("points").EnumerateArray().ToList();
                Assert.Equal((count, step), (points.Count, history.GetProperty("step_seconds").GetInt32()));
                return points.Exists(p => p.GetProperty("p99").ValueKind == JsonValueKind.Number);
            });
        }

        using var wrong = await client.GetAsync("/v1/overview/history?range=5m", Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Equal("range: '5m' given, one of 1h, 24h, 7d expected", (await wrong.JsonAsync()).GetProperty("detail").GetString());
    }

    [Fact]
    public async Task History_has_the_worst_that_was_seen_of_the_queues_in_each_step()
    {
        var now = TimeProvider.System.GetUtcNow();
        var first = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMinute)).AddHours(-5);
        await platform.ExecuteAsync($"""
            INSERT INTO queue_minutes (minute, depth, oldest_seconds)
            SELECT to_timestamp({first.ToUnixTimeSeconds()}) + make_interval(mins => i), 1000000 + i, 60 - i FROM generate_series(0, 29) i
            """);
        using var client = platform.Admin();

        var history = await (await client.GetAsync("/v1/overview/history?range=24h", Cancellation)).JsonAsync();
        var steps = history.GetProperty("points").EnumerateArray().ToDictionary(p => p.GetProperty("at").GetDateTimeOffset());
        foreach (var step in Enumerable.Range(0, 30).GroupBy(i => steps.Keys.Where(at => at <= first.AddMinutes(i)).Max()))
        {
            Assert.Equal(
                (1_000_000 + step.Max(), 60 - step.Min()),
                (steps[step.Key].GetProperty("queue_depth").GetInt64(), steps[step.Key].GetProperty("oldest_wait_seconds").GetDouble()));
        }

        Assert.Equal(JsonValueKind.Null, history.GetProperty("points")[0].GetProperty("queue_depth").ValueKind);

        // Each replica looks every ten seconds.
        await Wait.UntilAsync(async () =>
        {
            var hour = await (await client.GetAsync("/v1/overview/history?range=1h", Cancellation)).JsonAsync();
            return hour.GetProperty("points").EnumerateArray().Any(p => p.GetProperty("queue_depth").ValueKind == JsonValueKind.Number);
        });
    }

    [Fact]
    public async Task History_has_the_minute_that_runs_by_the_part_of_it_that_is_over()
    {
        using var client = platform.Admin();
        var wait = Wait.For("a minute in the history before it is over");
        while (true)
        {
            var model = $"fresh{Guid.NewGuid():N}"[..12];
            var minute = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 60 * 60);
            await platform.ExecuteAsync($"""
                INSERT INTO predictions (id, received_at, tenant_id, model, version, status, batch_size, queue_microseconds,
                    compute_microseconds, total_microseconds, role, priority, cache_hit, cost)
                SELECT gen_random_uuid(), to_timestamp({minute.ToUnixTimeSeconds()}), 'history', '{model}', '1',
                    CASE WHEN i <= 60 THEN 500 ELSE 200 END, 0, 0, 0, 4000000, 'stable', 'normal', false, 0 FROM generate_series(1, 120) i
                """);
            while (TimeProvider.System.GetUtcNow() < minute.AddSeconds(60))
            {
                var history = await (await client.GetAsync("/v1/overview/history?range=1h", Cancellation)).JsonAsync();
                var answered = TimeProvider.System.GetUtcNow();
                var shown = history.GetProperty("models").EnumerateArray().FirstOrDefault(m => m.GetProperty("model").GetString() == model);
                if (shown.ValueKind == JsonValueKind.Object && answered < minute.AddSeconds(60))
                {
                    var last = history.GetProperty("points").EnumerateArray().Last();
                    Assert.Equal(minute, last.GetProperty("at").GetDateTimeOffset());
                    Assert.Equal(4, shown.GetProperty("p95")[59].GetDouble());
                    var (rate, errors) = (shown.GetProperty("requests_per_second")[59].GetDouble(),
                        shown.GetProperty("errors_per_second")[59].GetDouble());
                    Assert.InRange(rate, 120 / (answered - minute).TotalSeconds, 120 / 5.0);
                    Assert.Equal(rate / 2, errors, precision: 6);

                    // Models are read after the whole, which may have been summed between.
                    if (last.GetProperty("requests_per_second").GetDouble() >= rate)
                    {
                        return;
                    }
                }

                await wait.PauseAsync();
            }
        }
    }

    [Fact]
    public async Task Changes_tell_what_was_done_to_models_and_their_traffic_to_those_who_may_use_them()
    {
        await platform.ExecuteAsync("""
            INSERT INTO model_events (at, model, version, kind, actor, details)
            SELECT now(), 'changed', '1', kind, 'ada', NULL FROM unnest(ARRAY['promoted', 'labelled']) AS kind;
            INSERT INTO model_events (at, model, version, kind, actor, details)
            VALUES (now() - interval '2 hours', 'changed', '1', 'ready', 'worker', NULL);
            INSERT INTO traffic_decisions (id, model, decided_at, action, actor, policy)
            VALUES (gen_random_uuid(), 'changed', now() + interval '1 second', 'set', 'grace',
                '{"stable":"1","canary":{"version":"2","weight":0.25}}')
            """);
        // Of all models only the newest are told: a key's scope comes before that bound.
        using var admin = platform.Admin();
        var (_, own) = await admin.CreateKeyAsync("user", models: ["changed"]);
        using var client = platform.WithKey(own);

        Assert.Equal(
            ["grace canary_set 2 25 % of requests", "ada promoted 1 "], await ChangesAsync(client, "1h"));
        Assert.Equal("worker ready 1 ", (await ChangesAsync(client, "24h"))[^1]);
        var (_, key) = await admin.CreateKeyAsync("user", models: ["digits"]);
        using var scoped = platform.WithKey(key);
        Assert.Empty(await ChangesAsync(scoped, "24h"));
        Assert.Empty(await ChangesAsync(scoped, "24h&model=changed"));
        await platform.ExecuteAsync("""
            INSERT INTO model_events (at, model, version, kind, actor, details)
            SELECT now(), 'crowd', '1', 'promoted', 'ada', NULL FROM generate_series(1, 100)
            """);
        Assert.Equal(3, (await ChangesAsync(admin, "24h&model=changed")).Count);
        using var wrong = await client.GetAsync("/v1/overview/changes?range=5m", Cancellation);
        Assert.Equal("range: '5m' given, one of 1h, 24h, 7d expected", (await wrong.JsonAsync()).GetProperty("detail").GetString());
    }

    private static async Task<List<string>> ChangesAsync(HttpClient client, string range)
    {
        var answer = await (await client.GetAsync($"/v1/overview/changes?range={range}", Cancellation)).JsonAsync();
        string[] facts = ["actor", "kind", "version", "details"];
        return
        [
            .. answer.GetProperty("changes").EnumerateArray().Where(change => change.GetProperty("model").GetString() == "changed")
                .Select(change => string.Join(' ', facts.Select(name => change.GetProperty(name).GetString()))),
        ];
    }

    [Fact]
    public async Task Api_tells_an_admin_its_health_check_by_check()
    {
        using var client = platform.Anonymous("api");
        client.DefaultRequestHeaders.Add("X-API-Key", Platform.AdminKey);

        var text = await client.GetStringAsync("/health/detailed", Cancellation);

        Assert.Contains("\"schema\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Password", text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Metrics_count_an_inference_in_api_and_worker()
    {
        using var client = platform.Admin();
        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        // What is counted is shown a moment later.
        using var worker = platform.Anonymous("worker");
        await Wait.UntilAsync(async () =>
        {
            var metrics = await worker.GetStringAsync("/metrics", Cancellation);
            string[] awaited = ["inference_compute_duration_seconds_count{", "inference_batch_size", "model=\"digits\""];
            return awaited.All(text => metrics.Contains(text, StringComparison.Ordinal));
        });

        await platform.OneReplicaMeasuresAsync(
            text => text.Contains("inference_request_duration_seconds_count{", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Overview_shows_every_replica_worker_and_model()
    {
        using var client = platform.Admin();
        var wait = Wait.For("rates and workers in the overview");
        while (true)
        {
            using var infer = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
            var overview = await (await client.GetAsync("/v1/overview", Cancellation)).JsonAsync();

            // Heartbeats come once a second, and rates are of whole seconds.
            if (overview.GetProperty("apis").GetArrayLength() < 2
                || overview.GetProperty("latency").GetProperty("p50").ValueKind == JsonValueKind.Null
                || !overview.GetProperty("workers").EnumerateArray().Any(HasLearned))
            {
                await wait.PauseAsync();
                continue;
            }

            Assert.Equal(2, overview.GetProperty("apis").GetArrayLength());
            var worker = Assert.Single(
                overview.GetProperty("workers").EnumerateArray(), w => w.GetProperty("host").GetString() != "elsewhere");
            Assert.True(worker.GetProperty("ready").GetBoolean());
            Assert.True(worker.GetProperty("cpu_cores").GetDouble() >= 0);
            Assert.True(worker.GetProperty("memory_bytes").GetInt64() > worker.GetProperty("cache")[0].GetProperty("bytes").GetInt64());

            // Other tests add models of their own meanwhile.
            Assert.Contains("digits/1", worker.GetProperty("models").EnumerateArray().Select(m => m.GetString()));
            var model = Assert.Single(
                overview.GetProperty("models").EnumerateArray(),
                m => m.GetProperty("name").GetString() == "digits" && m.GetProperty("version").GetString() == "1");
            Assert.Equal("ready", model.GetProperty("state").GetString());
            Assert.True(overview.GetProperty("latency").GetProperty("p50").GetDouble() > 0);
            return;
        }
    }

    private static bool HasLearned(JsonElement worker) => worker.GetProperty("cache").EnumerateArray().Any(open =>
        open.GetProperty("model").GetString() == "digits/1" && open.GetProperty("batch_rows") is { ValueKind: JsonValueKind.Number } rows
        && rows.GetInt32() > 0);

    [Fact]
    public async Task Overview_counts_what_was_refused_apart_from_what_failed()
    {
        using var client = platform.Admin();
        using var nobody = platform.Anonymous();
        await Wait.UntilAsync(async () =>
        {
            using var invalid = await client.PostAsync("/v2/models/digits/infer", Digits.Json("{}"), Cancellation);
            using var unknown = await nobody.PostAsync("/v2/models/digits/infer", Digits.Json("{}"), Cancellation);
            Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized), (invalid.StatusCode, unknown.StatusCode));
            var overview = await (await client.GetAsync("/v1/overview", Cancellation)).JsonAsync();
            double Rate(string name) => overview.GetProperty(name).GetDouble();
            Assert.True(Rate("rejections_per_second") + Rate("errors_per_second") <= Rate("requests_per_second") + 1e-9);
            return Rate("rejections_per_second") >= 1;
        });
    }

    [Fact]
    public async Task Metrics_tell_tenants_apart()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        var key = await tenant.KeyAsync();

        var wait = Wait.For($"a replica that answered {tenant.Id}");
        // Each replica tells what it has answered.
        while (true)
        {
            using var client = platform.WithKey(key);
            using var response = await client.PostAsync(
                "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
            var metrics = await client.GetStringAsync("/metrics", Cancellation);
            if (metrics.Split('\n').Any(line =>
                line.StartsWith("inference_tenant_inferences_total{", StringComparison.Ordinal)
                    && line.Contains($"tenant=\"{tenant.Id}\"", StringComparison.Ordinal)))
            {
                Assert.Contains("inference_tenants_active", metrics, StringComparison.Ordinal);
                return;
            }

            await wait.PauseAsync();
        }
    }

    [Fact]
    public async Task Errors_are_counted_by_kind()
    {
        using var client = platform.Admin();
        var wait = Wait.For("a replica that counted an invalid request");
        while (true)
        {
            using var invalid = await client.PostAsync("/v2/models/digits/infer", Digits.Json("{}"), Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, invalid.StatusCode);
            var metrics = await client.GetStringAsync("/metrics", Cancellation);
            if (metrics.Split('\n').Any(line =>
                line.StartsWith("inference_errors_total{", StringComparison.Ordinal)
                    && line.Contains("error_type=\"invalid\"", StringComparison.Ordinal)))
            {
                return;
            }

            await wait.PauseAsync();
        }
    }
}
