using System.Net;
using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.Running;

namespace Tests.Offline.Hosting;

public sealed class EndpointProxyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Connection_waits_while_no_replica_is_up()
    {
        var (port, target) = (FreePorts.Next(), FreePorts.Next());
        await using var proxy = EndpointProxy.Listen("localhost", port, () => [target]);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancellation);
        var answer = ReadAsync(client);

        using var replica = new Replica(target, "late");

        Assert.Equal("late", await answer);
    }

    [Fact]
    public async Task Connections_are_spread_over_the_replicas_that_accept()
    {
        var (port, down) = (FreePorts.Next(), FreePorts.Next());
        using var one = new Replica(FreePorts.Next(), "one");
        using var two = new Replica(FreePorts.Next(), "two");
        await using var proxy = EndpointProxy.Listen("localhost", port, () => [one.Port, down, two.Port]);

        var answers = new List<string>();
        for (var i = 0; i < 30; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, Cancellation);
            answers.Add(await ReadAsync(client));
        }

        Assert.Equal(["one", "two"], answers.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Connection_is_closed_when_the_resource_has_ended()
    {
        var port = FreePorts.Next();
        await using var proxy = EndpointProxy.Listen("localhost", port, () => []);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancellation);

        Assert.Equal(string.Empty, await ReadAsync(client));
    }

    [Fact]
    public async Task Localhost_is_served_on_both_loopback_addresses()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6 && File.Exists("/proc/net/if_inet6"), "no IPv6 on this machine");
        var port = FreePorts.Next();
        using var replica = new Replica(FreePorts.Next(), "six");
        await using var proxy = EndpointProxy.Listen("localhost", port, () => [replica.Port]);
        using var client = new TcpClient(AddressFamily.InterNetworkV6);
        await client.ConnectAsync(IPAddress.IPv6Loopback, port, Cancellation);

        Assert.Equal("six", await ReadAsync(client));
    }

    private static async Task<string> ReadAsync(TcpClient client)
    {
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync(Cancellation);
    }

    /// <summary>Greets each connection and closes it.</summary>
    private sealed class Replica : IDisposable
    {
        private readonly TcpListener _listener;

        public Replica(int port, string greeting)
        {
            Port = port;
            _listener = new(IPAddress.Loopback, port);
            _listener.Start();
            _ = ServeAsync(greeting);
        }

        public int Port { get; }

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync(string greeting)
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync(CancellationToken.None);
                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(greeting), CancellationToken.None);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
