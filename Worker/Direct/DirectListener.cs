using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Draining;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Direct;

/// <summary>Accepts the direct connections of Api replicas on a port of their own, watches them, and ends them last of all.</summary>
internal sealed partial class DirectListener(
    DirectServers servers,
    FleetRegistry fleet,
    ServingState state,
    DrainSignal drain,
    IOptions<DirectOptions> options,
    IOptions<QueueOptions> queue,
    TimeProvider time,
    ILogger<DirectListener> logger) : IHostedService, IDisposable
{
    /// <summary>Connections at a time; more are closed at once.</summary>
    public const int MaxConnections = 1024;

    // A request has names and shapes beside its data.
    private const int Surroundings = 1 << 20;

    // Of the heartbeat's intervals: replicas ask each of them.
    private const int MostSilent = 10;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private Socket? _socket;
    private CancellationTokenRegistration _draining;
    private int _connections;

    /// <summary>Where replicas reach this worker; null where it takes no direct calls.</summary>
    public DirectEndpoint? Endpoint { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var set = options.Value;
        if (!set.IsOn)
        {
            LogOff(set.Enabled ? "Direct:Secret is not set" : "Direct:Enabled is false");
            return Task.CompletedTask;
        }

        var host = set.Host.Length > 0 ? set.Host : FirstAddress();
        var local = IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address);
        _socket = Listen(local ? address! : Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, set.Port);
        Endpoint = new DirectEndpoint(host, ((IPEndPoint)_socket.LocalEndPoint!).Port, Frame.ProtocolVersion);
        _draining = drain.Started.Register(() =>
        {
            foreach (var session in servers.Sessions)
            {
                session.Send(FrameType.GoAway, []);
            }
        });
        _running.Add(AcceptAsync(_socket));
        _running.Add(WatchAsync());
        LogListening(host, Endpoint.Port);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _socket?.Dispose();
        await Task.WhenAll(servers.Sessions.Select(s => s.EndAsync()));
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        await _draining.DisposeAsync();
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _stop.Dispose();
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        if (address.Equals(IPAddress.IPv6Any))
        {
            socket.DualMode = true;
        }

        socket.Bind(new IPEndPoint(address, port));
        socket.Listen();
        return socket;
    }

    private async Task AcceptAsync(Socket listener)
    {
        var handshake = new DirectHandshake(options.Value.Secret);
        var maxFrame = (int)Math.Min(queue.Value.MaxBytes + Surroundings, Array.MaxLength);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await listener.AcceptAsync(_stop.Token);
                if (Interlocked.Increment(ref _connections) > MaxConnections)
                {
                    Interlocked.Decrement(ref _connections);
                    LogTooMany(MaxConnections);
                    socket.Dispose();
                    continue;
                }

                socket.NoDelay = true;
                var session = new DirectSession(new DirectLink(socket), servers, handshake, state.WorkerId, maxFrame, time, logger);
                _ = ServeAsync(session);
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException exception)
            {
                if (exception.SocketErrorCode == SocketError.OperationAborted)
                {
                    return;
                }

                LogNotAccepted(exception.Message);
                await Task.Delay(options.Value.HeartbeatInterval, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ServeAsync(DirectSession session)
    {
        try
        {
            await session.RunAsync(_stop.Token);
        }
        catch (Exception exception)
        {
            LogFault(exception);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    // Connections whose replicas are gone without a word, and the share of the bounds that is this worker's.
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(options.Value.HeartbeatInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                foreach (var session in servers.Sessions)
                {
                    session.Watch(MostSilent);
                }

                try
                {
                    servers.Share(await fleet.WorkersAsync());
                }
                catch (QueueUnavailableException)
                {
                    // The share stays what it was.
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The worker stops.
        }
    }

    private static string FirstAddress() =>
        NetworkInterface.GetAllNetworkInterfaces()
            .Where(n => n.OperationalStatus == OperationalStatus.Up && n.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(n => n.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => !a.IsIPv6LinkLocal)
            .OrderBy(a => a.AddressFamily == AddressFamily.InterNetwork ? 0 : 1)
            .FirstOrDefault(IPAddress.Loopback)
            .ToString();

    [LoggerMessage(LogLevel.Information, "Taking direct calls at {Host}:{Port}")]
    private partial void LogListening(string host, int port);

    [LoggerMessage(LogLevel.Information, "No direct calls are taken, all go through Redis: {Reason}")]
    private partial void LogOff(string reason);

    [LoggerMessage(LogLevel.Warning, "A direct connection is refused: {Most} are open")]
    private partial void LogTooMany(int most);

    [LoggerMessage(LogLevel.Warning, "A direct connection could not be accepted: {Reason}")]
    private partial void LogNotAccepted(string reason);

    [LoggerMessage(LogLevel.Error, "A direct connection failed")]
    private partial void LogFault(Exception exception);
}
