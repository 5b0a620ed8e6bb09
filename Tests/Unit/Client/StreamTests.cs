using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using InferenceTemplate.Client;
using InferenceTemplate.Tests.Shared;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Unit.Client;

/// <summary>What goes out and comes in piece by piece.</summary>
public sealed class StreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Upload_is_sent_while_it_is_read_and_its_file_stays_open(bool seekable)
    {
        const int Pieces = 64;
        var arrived = new TaskCompletionSource();
        var received = 0L;
        await using var server = await FaultyServer.StartAsync(async (context, _) =>
        {
            var piece = new byte[64 << 10];
            while (await context.Request.Body.ReadAsync(piece, Cancellation) is var read and > 0)
            {
                received += read;
                arrived.TrySetResult();
            }

            await context.AnswerAsync(202, FaultyAnswers.Version);
        });
        await using var file = new PacedStream(Pieces, seekable, arrived.Task);
        var progress = new Reports<long>();

        var version = await server.Client.Models.UploadVersionAsync("m", file, progress, cancellationToken: Cancellation);

        Assert.Equal(VersionState.Pending, version.State);
        Assert.Equal(Pieces * PacedStream.PieceBytes, received);
        Assert.Equal(Enumerable.Range(1, Pieces).Select(n => (long)n * PacedStream.PieceBytes), progress);
        Assert.True(file.CanRead);
        Assert.Equal(seekable ? $"{received}" : "", server.Requests.Single().ContentLength?.ToString() ?? "");
    }

    [Fact]
    public async Task Wait_for_a_job_outlives_a_broken_connection_and_a_stream_that_ends_early()
    {
        var progress = new Reports<InferenceJob>();
        await using var server = await FaultyServer.StartAsync(async (context, n) =>
        {
            var state = n switch { 1 => "queued", 2 => "running", _ => "dead_lettered" };
            var job = FaultyAnswers.Job.Replace("STATE", state, StringComparison.Ordinal).ReplaceLineEndings("");
            await context.AnswerAsync(200, $"event: ping\ndata: \n\nevent: job\ndata: {job}\n\n", "text/event-stream");
            await context.Response.Body.FlushAsync(Cancellation);
            if (n == 1)
            {
                await Wait.UntilAsync(() => !progress.IsEmpty);
                context.Abort();
            }
        });

        var ended = await server.Client.Jobs.Get(Guid.NewGuid()).WaitAsync(progress, Cancellation);

        Assert.Equal(JobState.DeadLettered, ended.State);
        Assert.Equal([JobState.Queued, JobState.Running, JobState.DeadLettered], progress.Select(job => job.State));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Wait_for_a_job_outlives_a_refused_connection_and_refusals_that_pass(bool repeats)
    {
        int[] refusals = [503, 503, 503, 429, 504];
        var connections = 0;
        using var handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync };
        await using var server = await FaultyServer.StartAsync(
            (context, n) => n <= refusals.Length
                ? context.RefuseAsync(refusals[n - 1], "0")
                : context.AnswerAsync(
                    200, $"data: {FaultyAnswers.Job.Replace("STATE", "succeeded", StringComparison.Ordinal).ReplaceLineEndings("")}\n\n",
                    "text/event-stream"),
            services => services.ConfigureHttpClientDefaults(http => http.ConfigurePrimaryHttpMessageHandler(() => handler)));
        using var http = new HttpClient(handler, disposeHandler: false) { BaseAddress = new Uri(server.Address) };
        var client = repeats ? server.Client : new InferenceClient(http);

        var ended = await client.Jobs.Get(Guid.NewGuid()).WaitAsync(cancellationToken: Cancellation);

        Assert.Equal(JobState.Succeeded, ended.State);
        Assert.Equal(refusals.Length + 1, server.Requests.Count);
        Assert.True(connections > 1);

        async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken connecting)
        {
            // Nothing listens at the first port.
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            var port = Interlocked.Increment(ref connections) == 1 ? Ports.Free() : context.DnsEndPoint.Port;
            await socket.ConnectAsync(IPAddress.Loopback, port, connecting);
            return new NetworkStream(socket, ownsSocket: true);
        }
    }

    [Fact]
    public async Task Wait_for_a_job_that_is_gone_says_so()
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.RefuseAsync(404));

        var refused = await Assert.ThrowsAsync<InferenceException>(
            () => server.Client.Jobs.Get(Guid.NewGuid()).WaitAsync(cancellationToken: Cancellation));

        Assert.Equal(InferenceError.NotFound, refused.Error);
    }

    [Fact]
    public async Task Lines_of_a_batch_job_are_there_before_the_last_has_come()
    {
        var seen = new TaskCompletionSource();
        await using var server = await FaultyServer.StartAsync(async (context, _) =>
        {
            await context.AnswerAsync(200, Line(1), "application/x-ndjson");
            await context.Response.Body.FlushAsync(Cancellation);
            await seen.Task;
            await context.Response.WriteAsync(Line(2), Cancellation);
        });

        var lines = new List<int>();
        await foreach (var line in server.Client.Batches.Get(Guid.NewGuid()).OutputAsync(Cancellation))
        {
            lines.Add(line.Line);
            seen.TrySetResult();
        }

        Assert.Equal([1, 2], lines);
    }

    [Fact]
    public async Task Line_that_does_not_come_times_out_however_long_the_caller_took_over_the_last()
    {
        var limit = TimeSpan.FromSeconds(3);
        var (seen, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var server = await FaultyServer.StartAsync(async (context, _) =>
        {
            await context.AnswerAsync(200, Line(1), "application/x-ndjson");
            await context.Response.Body.FlushAsync(Cancellation);
            await seen.Task;
            await context.Response.WriteAsync(Line(2), Cancellation);
            await context.Response.Body.FlushAsync(Cancellation);
            await ended.Task;
        });
        var batch = new BatchHandle(new ApiTransport(server.Http) { IdleLimit = limit }, Guid.NewGuid());

        var lines = new List<int>();
        var failed = await Assert.ThrowsAsync<InferenceException>(async () =>
        {
            await foreach (var line in batch.OutputAsync(Cancellation))
            {
                lines.Add(line.Line);

                // The next line is there when it is asked for, however busy the machine is.
                seen.TrySetResult();
                await Task.Delay(limit * 1.2, Cancellation);
            }
        });

        Assert.Equal((InferenceError.TimedOut, "no response within 3 s"), (failed.Error, failed.Message));
        Assert.Equal([1, 2], lines);
        ended.SetResult();
    }

    [Theory]
    [InlineData(typeof(IOException))]
    [InlineData(typeof(OperationCanceledException))]
    [InlineData(typeof(InvalidOperationException))]
    public async Task Upload_throws_what_reading_its_file_throws(Type type)
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.Request.Body.CopyToAsync(Stream.Null, Cancellation));
        var thrown = (Exception)Activator.CreateInstance(type, "the disk is gone")!;

        var version = server.Client.Models.UploadVersionAsync("m", new FailingStream(thrown), cancellationToken: Cancellation);
        var batch = server.Client.Batches.SubmitAsync(new FailingStream(thrown), cancellationToken: Cancellation);

        Assert.Same(thrown, await Assert.ThrowsAnyAsync<Exception>(() => version));
        Assert.Same(thrown, await Assert.ThrowsAnyAsync<Exception>(() => batch));
    }

    private static string Line(int number) => $$$"""{"line":{{{number}}},"response":{"status_code":200,"body":7}}""" + "\n";

    private sealed class Reports<T> : ConcurrentQueue<T>, IProgress<T>
    {
        public void Report(T value) => Enqueue(value);
    }

    private sealed class FailingStream(Exception exception) : MemoryStream(new byte[1])
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromException<int>(exception);
    }

    /// <summary>Gives a few pieces, and the others only when the first has arrived.</summary>
    private sealed class PacedStream(int pieces, bool seekable, Task arrived) : MemoryStream(new byte[pieces * PieceBytes])
    {
        public const int PieceBytes = 16 << 10;

        private int _given;

        public override bool CanSeek => seekable;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_given++ == 4)
            {
                await arrived.WaitAsync(Wait.DefaultLimit, cancellationToken);
            }

            return await base.ReadAsync(buffer[..PieceBytes], cancellationToken);
        }
    }
}
