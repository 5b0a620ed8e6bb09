using System.Globalization;
using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>How much memory a small call takes: unlike its time the same on every machine, and what the garbage collector costs.</summary>
public sealed class AllocationTests : IAsyncLifetime
{
    // It took 8,364 and 1,570 when this was written; the rest is for heartbeats and the like, whose share grows with the time of a call.
    private const int MostInApi = 12 << 10;
    private const int MostInWorker = 4 << 10;

    private const int Callers = 8;
    private const int Calls = 4000;
    private const int Windows = 3;

    private const string Password = "nine-pale-moths-circle-the-harbour-lamp";

    private readonly OwnServer _postgres = new();
    private readonly OwnServer _redis = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _postgres.StartPostgresAsync(Password);
        await _redis.StartRedisAsync(Password, "--port", $"{_redis.Port}");
    }

    [Fact]
    public async Task Small_call_of_an_open_model_takes_little_memory()
    {
        // The compiler allocates less where it knows a profile, hence without, as ./test has it.
        await using var services = await OwnServices.StartAsync([
            ("DOTNET_TieredPGO", "0"),
            .. OwnServices.Settings(
                $"Host=127.0.0.1;Port={_postgres.Port};Username=postgres;Password={Password};Database=postgres",
                $"127.0.0.1:{_redis.Port},password={Password}"),
        ]);
        await CallAsync(services.Admin);

        // Of several windows the least: what the services do at times has no part in a call.
        var (api, worker) = (double.MaxValue, double.MaxValue);
        for (var window = 0; window < Windows; window++)
        {
            var (apiBefore, workerBefore) = (await AllocatedAsync(services.Admin), await AllocatedAsync(services.Worker));
            await CallAsync(services.Admin);
            var (apiAfter, workerAfter) = (await AllocatedAsync(services.Admin), await AllocatedAsync(services.Worker));
            (api, worker) = (Math.Min(api, (apiAfter - apiBefore) / Calls), Math.Min(worker, (workerAfter - workerBefore) / Calls));
        }

        Assert.True(
            api <= MostInApi && worker <= MostInWorker,
            $"A call takes {api:0} bytes in the Api and {worker:0} in the Worker; {MostInApi} and {MostInWorker} are allowed.");
    }

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    private static Task CallAsync(HttpClient client) => Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
    {
        for (var call = 0; call < Calls / Callers; call++)
        {
            using var body = new ByteArrayContent(BitConverter.GetBytes(3L));
            body.Headers.ContentType = new("application/octet-stream");
            body.Headers.Add("Inference-Header-Content-Length", "0");
            using var answer = await client.PostAsync("/v2/models/lookup/infer", body, Cancellation);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }));

    private static async Task<double> AllocatedAsync(HttpClient service)
    {
        const string Metric = "dotnet_gc_heap_total_allocated_bytes_total";
        var line = (await service.GetStringAsync("/metrics", Cancellation)).Split('\n').Single(
            l => l.StartsWith(Metric, StringComparison.Ordinal));
        return double.Parse(line[Math.Max(Metric.Length, line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
