using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace InferenceTemplate.Tests.Shared;

/// <summary>A way to Postgres that can lose what it answers, and break.</summary>
internal sealed class LossyConnection : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly Task _accepting;
    private volatile bool _loses;
    private volatile bool _refuses;

    public LossyConnection(string connectionString)
    {
        _server = new(connectionString);
        _listener.Start();
        Source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = "127.0.0.1",
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
        }.ConnectionString);
        _accepting = AcceptAsync();
    }

    public NpgsqlDataSource Source { get; }

    /// <summary>The server does what it is told next, and its answer is lost with the connection.</summary>
    public void LoseNextAnswer() => _loses = true;

    /// <summary>Nothing that is sent arrives, and each connection ends with it.</summary>
    public void Refuse(bool refuses) => _refuses = refuses;

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                _ = ForwardAsync(client);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Ended.
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        using var server = new TcpClient(_server.Host!, _server.Port);
        using (client)
        {
            await Task.WhenAny(
                AskAsync(client.GetStream(), server.GetStream()), AnswerAsync(server.GetStream(), client.GetStream()));
        }
    }

    private async Task AskAsync(NetworkStream client, NetworkStream server)
    {
        var buffer = new byte[64 << 10];
        while (await client.ReadAsync(buffer) is > 0 and var read && !_refuses)
        {
            await server.WriteAsync(buffer.AsMemory(0, read));
        }
    }

    private async Task AnswerAsync(NetworkStream server, NetworkStream client)
    {
        var buffer = new byte[64 << 10];
        while (await server.ReadAsync(buffer) is > 0 and var read)
        {
            if (_loses)
            {
                _loses = false;
                return;
            }

            await client.WriteAsync(buffer.AsMemory(0, read));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        _listener.Dispose();
        await _accepting;
    }
}
