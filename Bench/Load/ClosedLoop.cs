using System.Diagnostics;
using System.Net.Sockets;

namespace InferenceTemplate.Bench.Load;

/// <summary>So many callers, each sending its next request when it has its answer: what throughput is measured by.</summary>
internal static class ClosedLoop
{
    public static async Task<LoadResult> RunAsync(Target target, int connections, TimeSpan time)
    {
        using var over = new CancellationTokenSource();
        var tallies = Enumerable.Range(0, connections).Select(_ => new Tally()).ToArray();
        var start = Stopwatch.GetTimestamp();
        var end = start + (long)(time.TotalSeconds * Stopwatch.Frequency);
        over.CancelAfter(time + TimeSpan.FromSeconds(30));
        await Task.WhenAll(tallies.Select(tally => Task.Run(() => CallAsync(target, tally, end, over.Token))));
        return LoadResult.Of(Stopwatch.GetElapsedTime(start).TotalSeconds, tallies);
    }

    private static async Task CallAsync(Target target, Tally tally, long end, CancellationToken over)
    {
        while (Stopwatch.GetTimestamp() < end)
        {
            using var connection = new HttpConnection(target.Server);
            try
            {
                await connection.ConnectAsync(over);
                while (Stopwatch.GetTimestamp() is var sent && sent < end)
                {
                    var status = await connection.SendAsync(target.Request, over);
                    tally.Add(status, Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                }
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                tally.Add(0, 0);
                await Task.Delay(10, CancellationToken.None);
            }
        }
    }
}
