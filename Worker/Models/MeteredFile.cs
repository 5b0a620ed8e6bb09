namespace InferenceTemplate.Worker.Models;

/// <summary>
/// An archive on disk, of which only so much may be read in one go: what stands between its files, libraries read whole into memory,
/// however large it says it is.
/// </summary>
internal sealed class MeteredFile(string path) : Stream
{
    private readonly FileStream _file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);

    /// <summary>Bytes that may still be read.</summary>
    public long Allowance { get; set; } = long.MaxValue;

    /// <summary>Sees what is read while there is a bound.</summary>
    public Action<ReadOnlySpan<byte>>? Checked { get; init; }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _file.Length;

    public override long Position
    {
        get => _file.Position;
        set => _file.Position = value;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="InvalidDataException">It is more than is allowed.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (Allowance == long.MaxValue)
        {
            return _file.Read(buffer);
        }

        buffer = buffer[..(int)Math.Min(buffer.Length, Allowance + 1)];
        var read = _file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        Allowance -= read;
        Checked?.Invoke(buffer[..read]);
        return Allowance >= 0 ? read : throw TooLarge();
    }

    public static InvalidDataException TooLarge() => new("what describes its files is too large");

    public override long Seek(long offset, SeekOrigin origin) => _file.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
        }

        base.Dispose(disposing);
    }
}
