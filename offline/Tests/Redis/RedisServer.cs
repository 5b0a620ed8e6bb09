using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;

namespace Tests.Offline.Redis;

/// <summary>A redis-server of its own, on a free port, without a disk; skips the tests that need it where there is none.</summary>
public sealed class RedisServer : IAsyncLifetime
{
    private Process? _process;

    public int Port { get; } = FreePort();

    public IConnectionMultiplexer Connection { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Start();
        while (Connection is null)
        {
            try
            {
                Connection = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{Port},allowAdmin=true,connectTimeout=2000");
            }
            catch (RedisConnectionException) when (_process is { HasExited: false })
            {
                // The port is open a moment before the server answers on it.
                await Task.Delay(50);
            }
        }
    }

    public void Start()
    {
        try
        {
            _process = Process.Start(
                "redis-server", ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--logfile", "/dev/null"]);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("redis-server is not on the PATH.");
        }
    }

    public void Stop()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
    }

    public ValueTask DisposeAsync()
    {
        Connection?.Dispose();
        Stop();
        return ValueTask.CompletedTask;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
