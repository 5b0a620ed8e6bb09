using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.Running;

/// <summary>
/// The stable port of an endpoint, before all replicas: each connection goes to a replica that accepts, drawn by lot. By turns,
/// a client that makes two connections each time would always meet the same one. While none accepts, it waits, so that a
/// restart is a pause and not an error.
/// </summary>
internal sealed class EndpointProxy : IAsyncDisposable
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(50);
    private readonly List<Socket> _listeners = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<IReadOnlyList<int>> _ports;

    private EndpointProxy(Func<IReadOnlyList<int>> ports) => _ports = ports;

    /// <summary>Listens; <paramref name="ports"/> are those of the replicas now, none when the resource has ended.</summary>
    public static EndpointProxy Listen(string host, int port, Func<IReadOnlyList<int>> ports)
    {
        var proxy = new EndpointProxy(ports);
        var everywhere = host is not "localhost" && !IPAddress.TryParse(host, out _) ? IPAddress.Any : null;
        proxy.Accept(everywhere ?? (IPAddress.TryParse(host, out var address) ? address : IPAddress.Loopback), port);
        if (host == "localhost" && Socket.OSSupportsIPv6)
        {
            try
            {
                // Clients that resolve localhost to ::1 first would otherwise try that in vain.
                proxy.Accept(IPAddress.IPv6Loopback, port);
            }
            catch (SocketException)
            {
                // No loopback of version 6 here; that of version 4 is enough.
            }
        }

        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listeners.ForEach(l => l.Dispose());
        _stopping.Dispose();
    }

    private void Accept(IPAddress address, int port)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(new IPEndPoint(address, port));
            listener.Listen(1024);
        }
        catch
        {
            listener.Dispose();
            throw;
        }

        _listeners.Add(listener);
        _ = AcceptLoopAsync(listener, _stopping.Token);
    }

    private async Task AcceptLoopAsync(Socket listener, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                _ = ServeAsync(await listener.AcceptAsync(stopping), stopping);
            }
            catch (SocketException)
            {
                // A client that left in the queue, or a moment without file descriptors.
                await Task.Delay(RetryDelay, CancellationToken.None);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken stopping)
    {
        using (client)
        {
            try
            {
                client.NoDelay = true;
                using var server = await ConnectAsync(client, stopping);
                if (server is not null)
                    await Task.WhenAll(CopyAsync(client, server, stopping), CopyAsync(server, client, stopping));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One side is gone; closing the other tells it.
            }
        }
    }

    private async Task<Socket?> ConnectAsync(Socket client, CancellationToken stopping)
    {
        while (_ports() is { Count: > 0 } ports)
        {
            var first = Random.Shared.Next(ports.Count);
            for (var i = 0; i < ports.Count; i++)
            {
                var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await server.ConnectAsync(IPAddress.Loopback, ports[(first + i) % ports.Count], stopping);
                    return server;
                }
                catch (SocketException)
                {
                    server.Dispose();
                }
            }

            if (client.Poll(0, SelectMode.SelectRead) && client.Available == 0) return null;

            await Task.Delay(RetryDelay, stopping);
        }

        return null;
    }

    private static async Task CopyAsync(Socket from, Socket to, CancellationToken stopping)
    {
        var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, stopping)) > 0)
            {
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), stopping);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            // The other direction must not wait for a side that is gone.
            from.Dispose();
            to.Dispose();
            throw;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
