using InferenceTemplate.Core;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>Chunks one after the other, each fetched when the one before has been read.</summary>
internal sealed class ChunkStream(IAsyncEnumerator<byte[]> chunks) : ForwardStream
{
    private ReadOnlyMemory<byte> _rest = chunks.Current;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_rest.IsEmpty)
        {
            if (!await chunks.MoveNextAsync())
            {
                return 0;
            }

            _rest = chunks.Current;
        }

        var length = Math.Min(buffer.Length, _rest.Length);
        _rest[..length].CopyTo(buffer);
        _rest = _rest[length..];
        return length;
    }

    public override async ValueTask DisposeAsync()
    {
        await chunks.DisposeAsync();
        await base.DisposeAsync();
    }
}
