using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>What tests of jobs ask of the Api, and of its database.</summary>
internal static class JobCalls
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static HttpRequestMessage Request(string model, HttpContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v2/models/{model}/infer") { Content = content };
        request.Headers.Add("Prefer", "respond-async");
        return request;
    }

    public static async Task<HttpResponseMessage> SubmitAsync(
        this HttpClient client, string model, string? id = null, string? key = null, string? prefer = null, string extra = "")
    {
        using var request = Request(model, Digits.Request([Digits.HeldOut[0].Pixels], id, extra));
        if (prefer is not null)
        {
            request.Headers.Remove("Prefer");
            request.Headers.TryAddWithoutValidation("Prefer", prefer);
        }

        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await client.SendAsync(request, Cancellation);
    }

    /// <summary>A job of a model that no worker can load, which therefore waits.</summary>
    public static async Task<Guid> SubmitIdleAsync(this Platform platform, HttpClient client, string extra = "")
    {
        await platform.ExecuteAsync("""
            WITH model AS (INSERT INTO models (name, settings, created_at, updated_at) VALUES ('idle', '{}', now(), now()) ON CONFLICT DO NOTHING)
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            SELECT 'idle', version, platform, repeat('0', 64), size_bytes, signature, registered_at FROM model_versions WHERE model = 'digits' AND version = '1'
            ON CONFLICT DO NOTHING
            """);
        await platform.EveryReplicaKnowsAsync("idle");
        using var response = await client.SubmitAsync("idle", extra: extra);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        return (await response.JsonAsync()).GetProperty("id").GetGuid();
    }

    // Each reads the catalog at most once a second.
    private static async Task EveryReplicaKnowsAsync(this Platform platform, string model)
    {
        using var admin = platform.Admin();
        await admin.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"),
            known => Task.FromResult(known.StatusCode == HttpStatusCode.OK));
    }

    public static async Task<JsonElement> EndedAsync(this HttpClient client, Guid id)
    {
        var wait = Wait.For($"the job {id} to end");
        while (true)
        {
            using var response = await client.GetAsync($"/v1/jobs/{id}", Cancellation);
            var job = await response.JsonAsync();
            if (job.GetProperty("state").GetString() is not ("queued" or "running"))
            {
                return job;
            }

            await wait.PauseAsync();
        }
    }

    public static async Task<JsonElement> ListAsync(this HttpClient client, string query)
    {
        using var response = await client.GetAsync($"/v1/jobs?{query}", Cancellation);
        return await response.JsonAsync();
    }

    public static async Task<List<Guid>> IdsAsync(this HttpClient client, string query) =>
        [.. (await client.ListAsync(query)).GetProperty("jobs").EnumerateArray().Select(j => j.GetProperty("id").GetGuid())];

    /// <summary>The data of the next event that tells of the job; null at the stream's end.</summary>
    public static async Task<JsonElement?> NextEventAsync(this StreamReader reader)
    {
        var wait = Wait.For("the next event of the job");
        while (await reader.ReadLineAsync(Cancellation).AsTask().WaitAsync(Wait.DefaultLimit, Cancellation) is { } line)
        {
            wait.ThrowIfOver();
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                using var document = JsonDocument.Parse(line["data: ".Length..]);
                return document.RootElement.Clone();
            }
        }

        return null;
    }

    public static async Task<string> KeyOfNewTenantAsync(this Platform platform)
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        var key = await keys.CreateAsync("service");
        var tenant = $"tenant-{Guid.NewGuid():N}";
        await platform.ExecuteAsync("INSERT INTO tenants (id, name, created_at) VALUES ($1, $1, now())", tenant);
        await platform.ExecuteAsync("UPDATE api_keys SET tenant_id = $1 WHERE prefix = $2", tenant, key.Split('_')[0]);
        return key;
    }

    public static async Task ExecuteAsync(this Platform platform, string sql, params object[] values)
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
