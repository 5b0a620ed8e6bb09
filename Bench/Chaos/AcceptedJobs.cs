using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>
/// What became of the jobs. A sender holds on to its idempotency key until it is told a job's id, as a careful client does.
/// </summary>
internal sealed class AcceptedJobs(Product product, BenchModel model) : IDisposable
{
    private static readonly string[] Terminal = ["succeeded", "failed", "cancelled", "dead_lettered"];

    private readonly ChaosClient _client = new(product);
    private readonly ConcurrentDictionary<string, (string Id, Question Question)> _accepted = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _ended = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<string> _twice = [];
    private readonly ConcurrentBag<string> _wrong = [];

    /// <summary>Sends jobs, each until it is accepted or time is over.</summary>
    public async Task SendAsync(Question question, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var key = Guid.NewGuid().ToString("N");
            while (!over.IsCancellationRequested && !_accepted.ContainsKey(key))
            {
                if (await PostAsync(key, question) is { } id)
                {
                    _accepted[key] = (id, question);
                }

                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    /// <summary>Waits for every accepted job to end, then looks again at all of them.</summary>
    public async Task<Account> AccountAsync(TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        var open = _accepted.Values.Select(a => a.Id).ToList();
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

        foreach (var (key, (id, question)) in _accepted)
        {
            // The same key is the same job, and an end is an end.
            if ((await PostAsync(key, question) is { } again && again != id)
                || (_ended.TryGetValue(id, out var end) && await EndAsync(id) is { } later && later != end))
            {
                _twice.Add(id);
            }

            if (_ended.GetValueOrDefault(id)?.StartsWith("succeeded", StringComparison.Ordinal) == true && !await IsRightAsync(id, question))
            {
                _wrong.Add(id);
            }
        }

        var states = _ended.Values.GroupBy(e => e.Split(' ')[0], StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        var shared = _accepted.Count - _accepted.Values.Select(a => a.Id).Distinct(StringComparer.Ordinal).Count();
        return new Account(
            _accepted.Count, states, open.Count, _twice.Count + shared, _wrong.Count, [.. open.Concat(_twice).Concat(_wrong).Take(5)]);
    }

    public void Dispose() => _client.Dispose();

    private async Task<string?> PostAsync(string key, Question question)
    {
        var answer = await _client.SendAsync(
            HttpMethod.Post, Question.PathOf(model).ToString(), () => Question.Content(question.Body),
            ("Prefer", "respond-async"), ("Idempotency-Key", key));
        return answer?.Status == HttpStatusCode.Accepted ? answer.Text("id") : null;
    }

    // Its state and when it came to it; null while it has not ended, or nothing can be learned.
    private async Task<string?> EndAsync(string id) =>
        await _client.SendAsync(HttpMethod.Get, $"/v1/jobs/{id}") is { Status: HttpStatusCode.OK } job
        && job.Text("state") is var state && Terminal.Contains(state, StringComparer.Ordinal)
            ? $"{state} {job.Text("finished_at")}"
            : null;

    private async Task<bool> IsRightAsync(string id, Question question)
    {
        if (await _client.SendAsync(HttpMethod.Get, $"/v1/jobs/{id}/result") is not { Status: HttpStatusCode.OK } result)
        {
            return false;
        }

        using var answer = JsonDocument.Parse(result.Body);
        return question.IsAnsweredBy(answer.RootElement);
    }
}

/// <param name="Lost">Accepted, and not ended within the time to settle.</param>
/// <param name="Twice">One key with two jobs, one job with two keys, or one with two ends.</param>
/// <param name="Wrong">Succeeded, without a result or with another's.</param>
internal sealed record Account(int Accepted, IReadOnlyDictionary<string, int> States, int Lost, int Twice, int Wrong, string[] Examples);
