using System.Diagnostics;
using System.Net.Sockets;
using System.Threading.Channels;

namespace InferenceTemplate.Bench.Load;

/// <summary>
/// Requests at a rate that the server does not set, each timed from when it was due: a server that stalls is charged for all that
/// had to wait, also where no connection was free to send it.
/// </summary>
internal static class OpenLoop
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    public static async Task<LoadResult> RunAsync(Target target, double perSecond, int connections, TimeSpan time)
    {
        var due = Channel.CreateUnbounded<long>(new UnboundedChannelOptions { SingleWriter = true });
        var tallies = Enumerable.Range(0, connections).Select(_ => new Tally()).ToArray();
        using var over = new CancellationTokenSource(time + TimeSpan.FromSeconds(30));
        var callers = tallies.Select(tally => Task.Run(() => CallAsync(target, tally, due.Reader, over.Token))).ToArray();

        // Long enough for all connections to stand before the first request is due.
        await Task.Delay(TimeSpan.FromMilliseconds(50 + (connections / 4)), CancellationToken.None);
        await ScheduleAsync(due.Writer, perSecond, time);
        await Task.WhenAll(callers);
        return LoadResult.Of(time.TotalSeconds, tallies);
    }

    // Poisson arrivals: the gaps between them are exponentially distributed.
    private static async Task ScheduleAsync(ChannelWriter<long> due, double perSecond, TimeSpan time)
    {
        var random = new Random(3);
        var next = (double)Stopwatch.GetTimestamp();
        var end = next + (time.TotalSeconds * Stopwatch.Frequency);
        using var timer = new PeriodicTimer(Tick);
        while (next < end)
        {
            var now = Stopwatch.GetTimestamp();
            for (; next <= now && next < end; next += -Math.Log(1 - random.NextDouble()) / perSecond * Stopwatch.Frequency)
            {
                due.TryWrite((long)next);
            }

            await timer.WaitForNextTickAsync();
        }

        due.Complete();
    }

    private static async Task CallAsync(Target target, Tally tally, ChannelReader<long> due, CancellationToken over)
    {
        var connection = new HttpConnection(target.Server);
        try
        {
            await connection.ConnectAsync(over);
            await foreach (var at in due.ReadAllAsync(over))
            {
                try
                {
                    // A refusal is timed from its sending: in an overload the wait for a free connection is this side's.
                    var sent = Stopwatch.GetTimestamp();
                    var status = await connection.SendAsync(target.Request, over);
                    tally.Add(status, Stopwatch.GetElapsedTime(Tally.IsRefusal(status) ? sent : at).TotalMilliseconds);
                }
                catch (SocketException)
                {
                    tally.Add(0, 0);
                    connection.Dispose();
                    connection = new HttpConnection(target.Server);
                    await connection.ConnectAsync(over);
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            tally.Add(0, 0);
        }
        finally
        {
            connection.Dispose();
        }
    }
}
