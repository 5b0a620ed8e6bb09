using System.Text.Json;
using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>
/// Synchronous calls under faults. Each must end within its time, and an answer of status 200 must be that caller's.
/// </summary>
internal sealed class WatchedCalls(Product product, BenchModel model) : IDisposable
{
    // Longer than the timeout by more than an Api is paused.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(Question.TimeoutSeconds + 5);

    private readonly HttpClient _client = product.Client();
    private int _answered;
    private int _refused;
    private int _disconnected;
    private int _silent;
    private int _wrong;

    public Outcome Result => new(_answered, _refused, _disconnected, _silent, _wrong);

    public async Task CallAsync(Question question, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await CallAsync(question);
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task CallAsync(Question question)
    {
        var start = DateTime.UtcNow;
        try
        {
            using var limit = new CancellationTokenSource(Limit);
            using var content = Question.Content(question.Call);
            using var response = await _client.PostAsync(Question.PathOf(model), content, limit.Token);
            if (!response.IsSuccessStatusCode)
            {
                Interlocked.Increment(ref _refused);
                return;
            }

            using var answer = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(limit.Token));
            Interlocked.Increment(ref question.IsAnsweredBy(answer.RootElement) ? ref _answered : ref _wrong);
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

    /// <param name="Disconnected">The connection broke: the caller knows at once.</param>
    /// <param name="Silent">Without any end within the time.</param>
    /// <param name="Wrong">Status 200 with other values than the caller's.</param>
    internal sealed record Outcome(int Answered, int Refused, int Disconnected, int Silent, int Wrong);
}
