using System.IO.Compression;
using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class DataRightsTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tenant_takes_its_data_along_and_so_may_an_administrator()
    {
        await using var tenant = await NamedTenant.CreateAsync(platform);
        using var own = platform.WithKey(await tenant.KeyAsync("user"));
        await InferAsync(own, tenant);

        using var admin = platform.Admin();
        foreach (var (client, path) in new[] { (own, "/v1/export"), (admin, $"/v1/tenants/{tenant.Id}/export") })
        {
            var files = await ExportAsync(client, path);

            Assert.Equal(tenant.Id, files["manifest.json"].GetProperty("tenant").GetString());
            var lines = files["manifest.json"].GetProperty("files");
            Assert.Equal((1, 1, 1), (lines.GetProperty("tenants.jsonl").GetInt32(), lines.GetProperty("api_keys.jsonl").GetInt32(),
                lines.GetProperty("predictions.jsonl").GetInt32()));
            Assert.Equal("digits", files["predictions.jsonl"].GetProperty("model").GetString());
            Assert.False(files["api_keys.jsonl"].TryGetProperty("hash", out _));
        }

        using var service = platform.WithKey(await tenant.KeyAsync("service"));
        using var refused = await service.GetAsync("/v1/export", Cancellation);
        using var unknown = await admin.GetAsync("/v1/tenants/nobody-of-this-name/export", Cancellation);
        using var zero = await admin.GetAsync("/v1/tenants/%00/export", Cancellation);
        Assert.Equal(
            (HttpStatusCode.Forbidden, HttpStatusCode.NotFound, HttpStatusCode.BadRequest),
            (refused.StatusCode, unknown.StatusCode, zero.StatusCode));
    }

    [Fact]
    public async Task Deleted_tenant_is_erased_and_what_it_did_stays_without_its_names()
    {
        await using var tenant = await NamedTenant.CreateAsync(platform);
        using (var own = platform.WithKey(await tenant.KeyAsync("user")))
        {
            await InferAsync(own, tenant);
            await ExportAsync(own, "/v1/export");
        }

        using var admin = platform.Admin();
        Assert.Equal("Ann's key", Assert.Single(await AuditAsync(admin, tenant)).GetProperty("actor").GetString());
        using (var early = await admin.PostAsync($"/v1/tenants/{tenant.Id}/erasure", null, Cancellation))
        {
            Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        }

        await tenant.ExecuteAsync("UPDATE tenants SET deleted_at = now() WHERE id = $1");
        using var accepted = await admin.PostAsync($"/v1/tenants/{tenant.Id}/erasure", null, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        var wait = Wait.For($"the erasure of {tenant.Id}");
        while (true)
        {
            using var response = await admin.GetAsync($"/v1/tenants/{tenant.Id}/erasure", Cancellation);
            var state = await response.JsonAsync();
            if (state.GetProperty("state").GetString() == "done")
            {
                Assert.True(state.GetProperty("rows").GetInt64() >= 2);
                break;
            }

            await wait.PauseAsync();
        }

        Assert.Equal((0, 0), (await tenant.CountAsync("predictions"), await tenant.CountAsync("api_keys")));
        var entries = await AuditAsync(admin, tenant);
        Assert.Contains("tenant.erased", entries.Select(e => e.GetProperty("action").GetString()));
        Assert.Equal(JsonValueKind.Null,
            entries.Single(e => e.GetProperty("action").GetString() == "tenant.exported").GetProperty("actor").ValueKind);
        using var verified = await admin.PostAsync("/v1/audit/verify", null, Cancellation);
        Assert.True((await verified.JsonAsync()).GetProperty("valid").GetBoolean());

        using var never = await admin.GetAsync("/v1/tenants/default/erasure", Cancellation);
        using var operators = await admin.PostAsync("/v1/tenants/default/erasure", null, Cancellation);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.Conflict), (never.StatusCode, operators.StatusCode));
    }

    [Fact]
    public async Task What_is_too_old_is_shown_and_deleted()
    {
        await using var tenant = await NamedTenant.CreateAsync(platform);
        await tenant.ExecuteAsync("UPDATE tenants SET retention_days = 3 WHERE id = $1");
        using var client = platform.Admin();

        // The Api's own run may delete them before they are shown.
        await Wait.UntilAsync(async () =>
        {
            await tenant.ExecuteAsync("DELETE FROM predictions WHERE tenant_id = $1");
            await tenant.ExecuteAsync("""
                INSERT INTO predictions (id, received_at, tenant_id, model, version, status, batch_size, queue_microseconds,
                    compute_microseconds, total_microseconds, role, priority, cache_hit, cost)
                SELECT gen_random_uuid(), now() - n * interval '2 days', $1, 'm', '1', 200, 1, 1, 1, 2, 'stable', 'normal', false, 0
                FROM generate_series(1, 4) n
                """);
            using var preview = await client.GetAsync("/v1/retention/preview", Cancellation);
            return Of(await preview.JsonAsync(), tenant) == ("predictions", 3, 3);
        });
        HttpResponseMessage run;
        var wait = Wait.For("the Api's own run of retention to end");
        while ((run = await client.PostAsync("/v1/retention/run", null, Cancellation)).StatusCode == HttpStatusCode.Conflict)
        {
            // The Api's own run has just begun.
            run.Dispose();
            await wait.PauseAsync();
        }

        using (run)
        {
            Assert.Equal(HttpStatusCode.OK, run.StatusCode);
        }

        // Whoever deleted them.
        Assert.Equal(1, await tenant.CountAsync("predictions"));
    }

    private static (string?, int, int) Of(JsonElement report, NamedTenant tenant)
    {
        var row = report.GetProperty("rows").EnumerateArray().SingleOrDefault(r => r.GetProperty("tenant").GetString() == tenant.Id);
        return row.ValueKind != JsonValueKind.Object
            ? default
            : (row.GetProperty("table").GetString(), row.GetProperty("days").GetInt32(), row.GetProperty("rows").GetInt32());
    }

    private static async Task InferAsync(HttpClient client, NamedTenant tenant)
    {
        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await Wait.UntilAsync(async () => await tenant.CountAsync("predictions") != 0);
    }

    private static async Task<JsonElement[]> AuditAsync(HttpClient admin, NamedTenant tenant)
    {
        using var response = await admin.GetAsync($"/v1/audit?tenant={tenant.Id}", Cancellation);
        return [.. (await response.JsonAsync()).GetProperty("entries").EnumerateArray()];
    }

    /// <summary>The first line of each file that has any.</summary>
    private static async Task<Dictionary<string, JsonElement>> ExportAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/zip", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("attachment", response.Content.Headers.ContentDisposition!.DispositionType);
        await using var archive = new ZipArchive(await response.Content.ReadAsStreamAsync(Cancellation));
        var files = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var entry in archive.Entries)
        {
            using var reader = new StreamReader(await entry.OpenAsync(Cancellation));
            var text = entry.Name.EndsWith(".jsonl", StringComparison.Ordinal)
                ? await reader.ReadLineAsync(Cancellation)
                : await reader.ReadToEndAsync(Cancellation);
            if (text is not null)
            {
                files[entry.Name] = JsonDocument.Parse(text).RootElement;
            }
        }

        return files;
    }
}
