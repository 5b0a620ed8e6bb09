using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace InferenceTemplate.Tests.Unit.Api.Security;

public sealed class LingeringCloseTests
{
    private const int Body = 40_000_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/refused")]
    [InlineData("/too-large")]
    public async Task Refusal_reaches_a_caller_that_sends_everything_before_it_reads(string path)
    {
        await using var edge = await EdgeService.StartAsync();
        using var socket = await ConnectAsync(edge);

        await SendAsync(socket, path, Body);

        Assert.StartsWith("HTTP/1.1 413", await ReadAsync(socket), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/refused")]
    [InlineData("/too-large")]
    public async Task Refusal_reaches_a_caller_that_sends_all_its_chunks_before_it_reads(string path)
    {
        await using var edge = await EdgeService.StartAsync();
        using var socket = await ConnectAsync(edge);
        var head = Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        byte[] chunk = [.. "186a0\r\n"u8, .. new byte[100_000], .. "\r\n"u8];

        await SendAllAsync(socket, head);
        for (var sent = 0; sent < Body; sent += 100_000)
        {
            await SendAllAsync(socket, chunk);
        }

        await SendAllAsync(socket, "0\r\n\r\n"u8.ToArray());

        Assert.StartsWith("HTTP/1.1 413", await ReadAsync(socket), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Caller_that_sends_chunks_beyond_the_bound_is_closed()
    {
        await using var edge = await EdgeService.StartAsync(settings: [("Limits:LingerBytes", "65536")]);
        using var socket = await ConnectAsync(edge);
        await SendAllAsync(socket, "POST /too-large HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray());
        byte[] chunk = [.. "186a0\r\n"u8, .. new byte[100_000], .. "\r\n"u8];

        await Assert.ThrowsAnyAsync<SocketException>(async () =>
        {
            for (var sent = 0; sent < 1_000_000_000; sent += 100_000)
            {
                await SendAllAsync(socket, chunk);
            }
        });
    }

    [Fact]
    public async Task Caller_that_sends_beyond_the_bound_is_closed()
    {
        await using var edge = await EdgeService.StartAsync(settings: [("Limits:LingerBytes", "65536")]);
        using var socket = await ConnectAsync(edge);

        await Assert.ThrowsAnyAsync<SocketException>(() => SendAsync(socket, "/refused", 1_000_000_000));
    }

    [Fact]
    public async Task Caller_that_sends_nothing_more_is_closed_in_time()
    {
        await using var edge = await EdgeService.StartAsync(settings: [("Limits:LingerTime", "00:00:01")]);
        using var socket = await ConnectAsync(edge);
        await socket.SendAsync(Head("/refused", Body), Cancellation);

        // Until the connection's end, of whatever kind.
        var answer = await ReadAsync(socket);

        Assert.StartsWith("HTTP/1.1 413", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "import urllib.request as r, urllib.error as e, sys\ntry:\n  r.urlopen(r.Request(sys.argv[1], data=b'x'*40000000))\nexcept e.HTTPError as x:\n  print(x.code)")]
    [InlineData(
        "import http.client as h, sys, urllib.parse as p\nu=p.urlparse(sys.argv[1])\nc=h.HTTPConnection(u.hostname,u.port)\nc.request('POST',u.path,body=b'x'*40000000)\nprint(c.getresponse().status)")]
    public async Task Refusal_reaches_python(string script)
    {
        Assert.SkipUnless(
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                .Any(folder => File.Exists(Path.Combine(folder, "python3"))),
            "python3 is not installed");
        await using var edge = await EdgeService.StartAsync();
        using var python = Process.Start(new ProcessStartInfo("python3", ["-c", script, new Uri(edge.Address, "/refused").ToString()])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

        var output = await python.StandardOutput.ReadToEndAsync(Cancellation);
        var error = await python.StandardError.ReadToEndAsync(Cancellation);

        Assert.True(output.Trim() == "413", output + error);
    }

    private static async Task<Socket> ConnectAsync(EdgeService edge)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, edge.Address.Port), Cancellation);
        return socket;
    }

    private static byte[] Head(string path, int length) =>
        Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");

    private static async Task SendAsync(Socket socket, string path, int length)
    {
        await socket.SendAsync(Head(path, length), Cancellation);
        var part = new byte[100_000];
        for (var sent = 0; sent < length; sent += part.Length)
        {
            await SendAllAsync(socket, part);
        }
    }

    private static async Task SendAllAsync(Socket socket, byte[] part)
    {
        for (var at = 0; at < part.Length;)
        {
            at += await socket.SendAsync(part.AsMemory(at), Cancellation);
        }
    }

    private static async Task<string> ReadAsync(Socket socket)
    {
        var (answer, part) = (new StringBuilder(), new byte[4096]);
        try
        {
            int read;
            while (!answer.ToString().Contains("end of refusal", StringComparison.Ordinal)
                && (read = await socket.ReceiveAsync(part, Cancellation)) > 0)
            {
                answer.Append(Encoding.ASCII.GetString(part, 0, read));
            }
        }
        catch (SocketException exception) when (answer.Length > 0 && exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What had come before it has been read.
        }

        return answer.ToString();
    }
}
