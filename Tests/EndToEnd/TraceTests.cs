using System.Globalization;
using System.Net;
using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

[Collection<TracedPlatform>]
public sealed class TraceTests(TracedPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, HttpStatusCode.OK)]
    [InlineData("respond-async", HttpStatusCode.Accepted)]
    public async Task One_trace_spans_the_api_the_queue_and_the_worker(string? prefer, HttpStatusCode status)
    {
        using var client = platform.Admin();
        var trace = Guid.NewGuid().ToString("N");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer");
        request.Content = Digits.Request([Digits.HeldOut[0].Pixels]);
        request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        request.Headers.Add("Prefer", prefer);

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(status, response.StatusCode);
        await ExportedAsync("api", "POST /v2/models/{model}/infer", Convert.FromHexString(trace));
        await ExportedAsync("worker", "infer digits", Convert.FromHexString(trace));
    }

    [Fact]
    public async Task One_trace_spans_a_batch_its_lines_and_their_runs()
    {
        using var client = platform.Admin();
        var trace = Guid.NewGuid().ToString("N");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/batches");
        var pixels = string.Join(',', Digits.HeldOut[0].Pixels.Select(p => p.ToString(CultureInfo.InvariantCulture)));
        request.Content = new StringContent(
            $$"""{"model":"digits","body":{"inputs":[{"name":"image","shape":[1,8,8],"datatype":"FP32","data":[{{pixels}}]}]} }""",
            Encoding.UTF8, "application/jsonl");
        request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        await ExportedAsync("api", "POST /v1/batches", Convert.FromHexString(trace));
        await ExportedAsync("api", "batch line", Convert.FromHexString(trace));
        await ExportedAsync("worker", "infer digits", Convert.FromHexString(trace));
    }

    [Fact]
    public async Task Every_thread_of_the_worker_leaves_cores_to_the_api()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Needs Linux's /proc to see how nice threads are.");

        Assert.Equal(["10"], (await Faults.NicenessAsync(platform, "Worker")).Distinct());
        Assert.Equal(["0"], (await Faults.NicenessAsync(platform, "Api")).Distinct());
    }

    [Fact, Trait("Tier", "Nightly")]
    public async Task Platform_at_rest_sends_no_spans()
    {
        // What the start and other tests made is sent within seconds; then heartbeats, polls and probes go on, a dozen in this time.
        var (before, quiet) = (-1, TimeSpan.FromSeconds(12));
        await Wait.UntilAsync(async () =>
        {
            before = platform.Exports.Count;
            await Task.Delay(quiet, Cancellation);
            return platform.Exports.Count == before;
        });
    }

    // A span's export holds its service's name, its own name and its trace's id, each as plain bytes.
    private async Task ExportedAsync(string service, string span, byte[] trace)
    {
        await Wait.UntilAsync(() => platform.Exports.Any(
            e => Contains(e, Encoding.UTF8.GetBytes(service)) && Contains(e, Encoding.UTF8.GetBytes(span)) && Contains(e, trace)));
    }

    private static bool Contains(byte[] export, byte[] part) => export.AsSpan().IndexOf(part) >= 0;
}
