using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>
/// Synchronous calls under faults, each caller with inputs of its own. Each call must end within its time, and an answer of status 200
/// must be that caller's.
/// </summary>
internal sealed class WatchedCalls(Product product, BenchModel model) : IDisposable
{
    private const int TimeoutSeconds = 5;

    // Of the same model in runs of other sizes, whose sums are added up in another order.
    private const double Tolerance = 1e-3;

    // Longer than the timeout by more than an Api is paused.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(TimeoutSeconds + 5);

    private readonly HttpClient _client = product.Client();
    private int _answered;
    private int _refused;
    private int _disconnected;
    private int _silent;
    private int _wrong;

    public Outcome Result => new(_answered, _refused, _disconnected, _silent, _wrong);

    /// <summary>Calls until time is over, and compares with the first answer, which comes before any fault.</summary>
    public async Task<Func<CancellationToken, Task>> PrepareAsync(int caller)
    {
        var body = Body(caller);
        using var response = await PostAsync(body);
        response.EnsureSuccessStatusCode();
        var expected = Values(await response.Content.ReadAsByteArrayAsync());
        return async over =>
        {
            while (!over.IsCancellationRequested)
            {
                await CallAsync(body, expected);
                await Task.Delay(20, CancellationToken.None);
            }
        };
    }

    public void Dispose() => _client.Dispose();

    private async Task CallAsync(byte[] body, double[] expected)
    {
        var start = DateTime.UtcNow;
        try
        {
            using var response = await PostAsync(body);
            if (!response.IsSuccessStatusCode)
            {
                Interlocked.Increment(ref _refused);
                return;
            }

            var values = Values(await response.Content.ReadAsByteArrayAsync());
            var right = values.Length == expected.Length
                && values.Zip(expected).All(pair => Math.Abs(pair.First - pair.Second) < Tolerance);
            Interlocked.Increment(ref right ? ref _answered : ref _wrong);
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _silent);
            Console.WriteLine(FormattableString.Invariant($"  {start:HH:mm:ss.f} a call began that had no end in time"));
        }
        catch (HttpRequestException)
        {
            // The Api that had it was killed.
            Interlocked.Increment(ref _disconnected);
        }
    }

    private async Task<HttpResponseMessage> PostAsync(byte[] body)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await _client.PostAsync(new Uri($"/v2/models/{model.Name}/infer", UriKind.Relative), content, limit.Token);
    }

    private byte[] Body(int caller)
    {
        var data = model.Data.Select((_, i) => model.Data[(i + (7 * caller)) % model.Elements].ToString(CultureInfo.InvariantCulture));
        return Encoding.UTF8.GetBytes(
            $$"""{"inputs":[{"name":"{{model.Input}}","shape":[{{string.Join(',', model.Shape)}}],"datatype":"FP32","data":["""
            + string.Join(',', data)
            + $$$"""]}],"outputs":[{"name":"{{{model.Output}}}"}],"parameters":{"timeout":{{{TimeoutSeconds * 1_000_000}}}}}""");
    }

    private static double[] Values(byte[] answer)
    {
        using var document = JsonDocument.Parse(answer);
        return [.. document.RootElement.GetProperty("outputs")[0].GetProperty("data").EnumerateArray().Select(value => value.GetDouble())];
    }

    /// <param name="Disconnected">The connection broke: the caller knows at once.</param>
    /// <param name="Silent">Without any end within the time.</param>
    /// <param name="Wrong">Status 200 with other values than the caller's.</param>
    internal sealed record Outcome(int Answered, int Refused, int Disconnected, int Silent, int Wrong);
}
