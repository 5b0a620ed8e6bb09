using System.IO.Pipelines;

namespace InferenceTemplate.Core;

/// <summary>What somebody writes, for somebody else to read meanwhile: no more than a megabyte of it is in memory.</summary>
public sealed class ProducedStream : ForwardStream
{
    private const int PauseBytes = 1 << 20;

    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: PauseBytes, resumeWriterThreshold: PauseBytes / 2));
    private readonly CancellationTokenSource _left = new();
    private readonly Stream _reader;
    private readonly Task _producing;

    /// <param name="produce">Writes everything; what it throws is thrown to the reader.</param>
    public ProducedStream(Func<Stream, CancellationToken, Task> produce)
    {
        _reader = _pipe.Reader.AsStream(leaveOpen: true);
        _producing = Task.Run(() => ProduceAsync(produce));
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _reader.ReadAsync(buffer, cancellationToken);

    /// <summary>Returns when nothing is written any more, so that what the writer reads from may go too.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _left.CancelAsync();
        await _pipe.Reader.CompleteAsync();
        await _producing;
        _left.Dispose();
        await base.DisposeAsync();
    }

    private async Task ProduceAsync(Func<Stream, CancellationToken, Task> produce)
    {
        Exception? failure = null;
        try
        {
            await produce(_pipe.Writer.AsStream(leaveOpen: true), _left.Token);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        await _pipe.Writer.CompleteAsync(failure);
    }
}
