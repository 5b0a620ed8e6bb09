using System.Diagnostics;
using System.Net;

namespace InferenceTemplate.Bench.Load;

/// <summary>A closed loop whose callers send different requests by turns.</summary>
internal static class MixedLoop
{
    /// <returns>Requests a second that were answered well; the time ends with the last answer.</returns>
    /// <exception cref="InvalidOperationException">One was not.</exception>
    public static async Task<double> RunAsync(IReadOnlyList<Target> requests, int connections, TimeSpan time, string expected)
    {
        using var over = new CancellationTokenSource(time + TimeSpan.FromMinutes(2));
        var start = Stopwatch.GetTimestamp();
        var next = -1;
        var counts = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(CallAsync)));
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;

        async Task<int> CallAsync()
        {
            using var connection = new HttpConnection(requests[0].Server);
            await connection.ConnectAsync(over.Token);
            var count = 0;
            for (; Stopwatch.GetElapsedTime(start) < time; count++)
            {
                var request = requests[Interlocked.Increment(ref next) % requests.Count];
                if (await connection.SendAsync(request.Request, over.Token) != (int)HttpStatusCode.OK
                    || !connection.Body.Contains(expected, StringComparison.Ordinal))
                {
                    throw new InvalidOperationException($"{request.Name}: {connection.Body}");
                }
            }

            return count;
        }
    }
}
