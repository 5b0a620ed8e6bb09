namespace InferenceTemplate.Core.Queue;

/// <summary>
/// What of a message is too large to be copied into its buffer: it is sent from where it is, between the buffer's bytes, and must not
/// change until then.
/// </summary>
internal sealed class LargeParts
{
    private const int Least = 32 << 10;

    private readonly List<(int At, ReadOnlyMemory<byte> Bytes)> _parts = [];

    public int Count => _parts.Count;

    /// <summary>Bytes of all.</summary>
    public long Bytes { get; private set; }

    /// <summary>Where in the buffer a part belongs, and the part.</summary>
    public (int At, ReadOnlyMemory<byte> Bytes) this[int index] => _parts[index];

    /// <returns>False where it is better copied.</returns>
    public bool TryAdd(int at, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Length < Least)
        {
            return false;
        }

        _parts.Add((at, bytes));
        Bytes += bytes.Length;
        return true;
    }

    public void Clear()
    {
        _parts.Clear();
        Bytes = 0;
    }
}
