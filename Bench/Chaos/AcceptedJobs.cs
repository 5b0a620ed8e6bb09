using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>
/// What became of the jobs. A sender holds on to its idempotency key until it is told a job's id, as a careful client does.
/// </summary>
internal sealed class AcceptedJobs(Product product, BenchModel model) : IDisposable
{
    private static readonly TimeSpan WaitTimeout = TimeSpan.FromSeconds(10);
    private static readonly string[] Terminal = ["succeeded", "failed", "cancelled", "dead_lettered"];

    private readonly HttpClient _client = product.Client();
    private readonly ConcurrentDictionary<string, string> _accepted = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _ended = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<string> _twice = [];

    /// <summary>Sends one job until it is accepted or time is over.</summary>
    /// <returns>Whether it was accepted.</returns>
    public async Task<bool> TrySendAsync(CancellationToken over)
    {
        var key = Guid.NewGuid().ToString("N");
        do
        {
            if (await PostAsync(key) is { } id)
            {
                _accepted[key] = id;
                return true;
            }

            await Task.Delay(200, CancellationToken.None);
        }
        while (over.CanBeCanceled && !over.IsCancellationRequested);
        return false;
    }

    /// <summary>Waits for every accepted job to end, then looks again at all of them.</summary>
    public async Task<Account> AccountAsync(TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        var open = _accepted.Values.ToList();
        while (open.Count > 0 && Stopwatch.GetElapsedTime(start) < limit)
        {
            var still = new List<string>();
            foreach (var id in open)
            {
                if (await EndAsync(id) is { } end)
                {
                    _ended[id] = end;
                }
                else
                {
                    still.Add(id);
                }
            }

            open = still;
            await Task.Delay(500);
        }

        foreach (var (key, id) in _accepted)
        {
            // The same key is the same job, and an end is an end.
            if ((await PostAsync(key) is { } again && again != id)
                || (_ended.TryGetValue(id, out var end) && await EndAsync(id) is { } later && later != end))
            {
                _twice.Add(id);
            }
        }

        var states = _ended.Values.GroupBy(e => e.Split(' ')[0], StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        var shared = _accepted.Count - _accepted.Values.Distinct(StringComparer.Ordinal).Count();
        return new Account(_accepted.Count, states, open.Count, _twice.Count + shared, [.. open.Concat(_twice).Take(5)]);
    }

    public void Dispose() => _client.Dispose();

    private async Task<string?> PostAsync(string key)
    {
        try
        {
            using var limit = new CancellationTokenSource(WaitTimeout);
            using var content = new ByteArrayContent(model.Json);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v2/models/{model.Name}/infer") { Content = content };
            request.Headers.Add("Prefer", "respond-async");
            request.Headers.Add("Idempotency-Key", key);
            using var response = await _client.SendAsync(request, limit.Token);
            return response.StatusCode == HttpStatusCode.Accepted ? response.Headers.Location!.ToString().Split('/')[^1] : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }

    // Its state and when it came to it; null while it has not ended, or nothing can be learnt.
    private async Task<string?> EndAsync(string id)
    {
        try
        {
            using var limit = new CancellationTokenSource(WaitTimeout);
            using var job = JsonDocument.Parse(await _client.GetStringAsync($"/v1/jobs/{id}", limit.Token));
            var state = job.RootElement.GetProperty("state").GetString()!;
            return Terminal.Contains(state, StringComparer.Ordinal)
                ? $"{state} {job.RootElement.GetProperty("finished_at").GetString()}"
                : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return null;
        }
    }
}

/// <param name="Lost">Accepted, and not ended within the time to settle.</param>
/// <param name="Twice">One key with two jobs, one job with two keys, or one with two ends.</param>
internal sealed record Account(int Accepted, IReadOnlyDictionary<string, int> States, int Lost, int Twice, string[] Examples);
