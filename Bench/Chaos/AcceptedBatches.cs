using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>What became of the lines of batch jobs.</summary>
internal sealed class AcceptedBatches(Product product, string model, IReadOnlyList<Question> questions) : IDisposable
{
    private const int MostLines = 50;

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(3);

    private readonly ChaosClient _client = new(product);
    private readonly Dictionary<string, int> _accepted = new(StringComparer.Ordinal);

    /// <summary>Sends batch jobs, each until it is accepted or time is over.</summary>
    public async Task SendAsync(CancellationToken over)
    {
        for (var number = 1; !over.IsCancellationRequested; number++)
        {
            var lines = (number * 13 % MostLines) + 1;
            var key = Guid.NewGuid().ToString("N");
            var body = string.Join('\n', Enumerable.Range(0, lines).Select(
                line => $$"""{"custom_id":"{{line}}","model":"{{model}}","body":{{QuestionOf(line).Body}}}"""));
            while (!over.IsCancellationRequested)
            {
                var answer = await _client.SendAsync(
                    HttpMethod.Post, "/v1/batches", () => new StringContent(body, new MediaTypeHeaderValue("application/jsonl")),
                    ("Idempotency-Key", key));
                await Task.Delay(Between, CancellationToken.None);
                if (answer?.Status == HttpStatusCode.Accepted)
                {
                    _accepted[answer.Text("id")] = lines;
                    break;
                }
            }
        }
    }

    /// <summary>Waits for every accepted batch job to end, and looks for each of its lines.</summary>
    public async Task<(int Accepted, int Lines, IReadOnlyList<string> Broken)> AccountAsync(TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        var broken = new List<string>();
        foreach (var (id, lines) in _accepted)
        {
            while (await IsOpenAsync(id) && Stopwatch.GetElapsedTime(start) < limit)
            {
                await Task.Delay(500);
            }

            if (await _client.SendAsync(HttpMethod.Get, $"/v1/batches/{id}/output") is not { Status: HttpStatusCode.OK } output)
            {
                broken.Add($"{id}: no output");
                continue;
            }

            var right = output.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(NumberIfRight).ToList();
            if (!right.SequenceEqual(Enumerable.Range(0, lines).Select(line => (int?)line)))
            {
                broken.Add($"{id}: {right.Count(r => r is not null)} right lines of {lines}, {right.Count} in all");
            }
        }

        return (_accepted.Count, _accepted.Values.Sum(), broken);
    }

    public void Dispose() => _client.Dispose();

    private Question QuestionOf(int line) => questions[line % questions.Count];

    private async Task<bool> IsOpenAsync(string id) =>
        await _client.SendAsync(HttpMethod.Get, $"/v1/batches/{id}") is not { Status: HttpStatusCode.OK } batch
        || batch.Text("state") is "queued" or "running";

    private int? NumberIfRight(string line)
    {
        using var document = JsonDocument.Parse(line);
        var number = int.Parse(document.RootElement.GetProperty("custom_id").GetString()!, CultureInfo.InvariantCulture);
        return QuestionOf(number).IsAnsweredBy(document.RootElement.GetProperty("response").GetProperty("body")) ? number : null;
    }
}
