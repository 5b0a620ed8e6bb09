using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace InferenceTemplate.Bench.Load;

/// <summary>
/// One keep-alive connection that sends prepared bytes and reads whole answers. An HTTP client of its own because the load comes from
/// the cores that the server needs: this one costs a few microseconds a request and allocates nothing.
/// </summary>
internal sealed class HttpConnection(IPEndPoint server) : IDisposable
{
    private static readonly byte[] EndOfHead = "\r\n\r\n"u8.ToArray();
    private static readonly byte[] EndOfChunks = "0\r\n\r\n"u8.ToArray();
    private static readonly byte[] LengthName = "Content-Length: "u8.ToArray();

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] _buffer = new byte[16 * 1024];
    private int _length;

    /// <summary>The last answer's bytes, head and body.</summary>
    public ReadOnlySpan<byte> Answer => _buffer.AsSpan(0, _length);

    public string Body => Encoding.UTF8.GetString(Answer[(Answer.IndexOf(EndOfHead) + EndOfHead.Length)..]);

    public ValueTask ConnectAsync(CancellationToken cancellationToken) => _socket.ConnectAsync(server, cancellationToken);

    /// <returns>The status of the answer.</returns>
    /// <exception cref="SocketException">The connection broke.</exception>
    public async ValueTask<int> SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        for (var sent = 0; sent < request.Length;)
        {
            sent += await _socket.SendAsync(request[sent..], SocketFlags.None, cancellationToken);
        }

        _length = 0;
        while (true)
        {
            if (_length == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            var read = await _socket.ReceiveAsync(_buffer.AsMemory(_length), SocketFlags.None, cancellationToken);
            if (read == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            _length += read;
            if (IsWhole())
            {
                return ((_buffer[9] - '0') * 100) + ((_buffer[10] - '0') * 10) + (_buffer[11] - '0');
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private bool IsWhole()
    {
        var head = Answer.IndexOf(EndOfHead);
        if (head < 0)
        {
            return false;
        }

        var at = Answer[..head].IndexOf(LengthName);
        return at < 0
            ? Answer[head..].EndsWith(EndOfChunks)
            : Utf8Parser.TryParse(Answer[(at + LengthName.Length)..], out int length, out _) && _length >= head + EndOfHead.Length + length;
    }
}
