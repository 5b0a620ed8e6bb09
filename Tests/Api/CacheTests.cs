using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

[Collection(nameof(TrafficPlatform))]
public sealed class CacheTests(TrafficPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answer_is_kept_for_its_tenant_alone_and_costs_nothing_again()
    {
        await SetAsync("cached", """{"cache":{"time_to_live":"00:10:00","max_bytes":65536}}""");
        using var client = platform.Admin();

        // Each of the replicas learns of the settings within a second: until then answers say nothing of a cache.
        var first = await InferAsync(client, 1);
        for (var index = 2; first.Cache is null; index = 2 + (index % 7))
        {
            first = await InferAsync(client, index);
        }

        var (miss, hit) = (await UntilAsync(client, 9, "miss"), await UntilAsync(client, 9, "hit"));

        Assert.True(miss.Parameters.GetProperty("cost").GetDecimal() > 0);
        Assert.False(miss.Parameters.GetProperty("cache_hit").GetBoolean());
        Assert.True(hit.Parameters.GetProperty("cache_hit").GetBoolean());
        Assert.Equal(0, hit.Parameters.GetProperty("cost").GetDecimal());
        Assert.Equal(0, hit.Parameters.GetProperty("compute_us").GetInt64());
        Assert.Equal(miss.Value, hit.Value);
        Assert.Equal([90f], hit.Value);

        await platform.OneReplicaMeasuresAsync(metrics =>
            metrics.Contains("inference_cache_hits_total{", StringComparison.Ordinal)
            && metrics.Contains("nv_cache_num_hits_per_model{", StringComparison.Ordinal));

        // The same question of another tenant is new, and its answer is not the first tenant's.
        using var other = platform.WithKey(await OtherTenantAsync());
        Assert.Equal("miss", (await UntilAsync(other, 9, "miss")).Cache);
    }

    [Fact]
    public async Task Answer_tells_its_price_and_times_and_the_record_has_them_too()
    {
        using var client = platform.Admin();
        var trace = Guid.NewGuid().ToString("N");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/priced/infer");
        request.Content = TrafficPlatform.Indices(1, 2, 3);
        request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var parameters = (await response.JsonAsync()).GetProperty("parameters");
        var (cost, compute) = (parameters.GetProperty("cost").GetDecimal(), parameters.GetProperty("compute_us").GetInt64());
        Assert.Equal("EUR", parameters.GetProperty("currency").GetString());
        Assert.Equal(3, parameters.GetProperty("batch_size").GetInt32());

        // 3.6 an hour is a thousandth a second; the whole microseconds of the run are rounded down.
        Assert.InRange(cost, compute * 1e-9m, (compute + 1) * 1e-9m);
        Assert.Equal($"{cost.ToString("0.###############", CultureInfo.InvariantCulture)} EUR",
            response.Headers.GetValues("Inference-Cost").Single());
        Assert.Matches(@"^queue;dur=[0-9.]+, compute;dur=[0-9.]+$", response.Headers.GetValues("Server-Timing").Single());
        Assert.False(parameters.TryGetProperty("cache_hit", out _));
        Assert.False(response.Headers.Contains("Inference-Cache"));

        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand("SELECT cost FROM predictions WHERE trace_id = $1");
        command.Parameters.AddWithValue(trace);
        object? recorded;
        var wait = Wait.For($"the record of {trace}");
        while ((recorded = await command.ExecuteScalarAsync(Cancellation)) is null)
        {
            await wait.PauseAsync();
        }

        Assert.Equal(cost, recorded);
    }

    [Fact]
    public async Task Cache_is_switched_off_and_on_for_a_tenant()
    {
        await using var tenant = await NamedTenant.CreateAsync(platform);
        await SetAsync("cached", """{"cache":{"time_to_live":"00:10:00","max_bytes":65536}}""");
        using var admin = platform.Admin();
        using var client = platform.WithKey(await tenant.KeyAsync("user"));
        await UntilAsync(client, 3, "hit");

        using var off = await admin.PutAsJsonAsync(
            "/v1/features/response-cache", new { enabled = true, excluded_tenants = new[] { tenant.Id } }, Cancellation);
        Assert.Equal(HttpStatusCode.OK, off.StatusCode);
        // A replica has not heard of it yet.
        await Wait.UntilAsync(async () => (await InferAsync(client, 3)).Cache is null);

        using var on = await admin.DeleteAsync("/v1/features/response-cache", Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, on.StatusCode);
        await UntilAsync(client, 3, "hit");
    }

    private static async Task<(string? Cache, JsonElement Parameters, float[] Value)> InferAsync(HttpClient client, long index)
    {
        using var response = await client.PostAsync("/v2/models/cached/infer", TrafficPlatform.Indices(index), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.JsonAsync();
        var cache = response.Headers.TryGetValues("Inference-Cache", out var values) ? values.Single() : null;
        return (cache, answer.GetProperty("parameters"), answer.Output("value").Data<float>());
    }

    // The cache is filled beside the answer; and a replica that has not learnt of it yet says nothing.
    private static async Task<(string? Cache, JsonElement Parameters, float[] Value)> UntilAsync(
        HttpClient client, long index, string expected)
    {
        var wait = Wait.For($"an answer whose cache says {expected}");
        while (true)
        {
            var answer = await InferAsync(client, index);
            if (answer.Cache is not null)
            {
                if (answer.Cache == expected)
                {
                    return answer;
                }

                // A hit never becomes a miss again.
                Assert.Equal("miss", answer.Cache);
            }

            await wait.PauseAsync();
        }
    }

    private async Task SetAsync(string model, string settings)
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand("UPDATE models SET settings = $2::jsonb WHERE name = $1");
        command.Parameters.AddWithValue(model);
        command.Parameters.AddWithValue(settings);
        Assert.Equal(1, await command.ExecuteNonQueryAsync(Cancellation));
    }

    private async Task<string> OtherTenantAsync()
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        var key = await keys.CreateAsync("user");
        await using var database = await platform.DatabaseAsync();
        await using var tenant = database.CreateCommand("INSERT INTO tenants (id, name, created_at) VALUES ('other', 'Other', now())");
        await tenant.ExecuteNonQueryAsync(Cancellation);
        await using var move = database.CreateCommand("UPDATE api_keys SET tenant_id = 'other' WHERE prefix = $1");
        move.Parameters.AddWithValue(key[..key.IndexOf('_', StringComparison.Ordinal)]);
        await move.ExecuteNonQueryAsync(Cancellation);
        return key;
    }
}
