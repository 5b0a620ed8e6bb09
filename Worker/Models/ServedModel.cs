using System.Threading.Channels;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.ModelCache;

namespace InferenceTemplate.Worker.Models;

/// <summary>
/// One model version that this worker answers for. It sleeps until somebody wants it, then leases its session and serves its queue
/// until it has been idle for a while, or others want its memory.
/// </summary>
internal sealed partial class ServedModel(
    ModelKey key,
    ServingPlan plan,
    SessionCache cache,
    ModelServerFactory servers,
    RequestQueue queue,
    LoadRefusal refusal,
    DrainSwitch drain,
    TimeProvider time,
    ILogger<ServedModel> logger) : IDisposable
{
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();

    // One signal is enough. It has nothing to dispose: who wants a version may not have heard yet that it was withdrawn.
    private readonly Channel<bool> _wanted = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _withdrawn = new();
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ServingPlan _plan = plan;
    private CancellationTokenSource? _stop;
    private ModelServer? _server;
    private long _servingSince;
    private bool _restart;

    // Until then it can't be loaded, and only jobs that wait for that are in its queue.
    private DateTimeOffset? _jobsWaitUntil;

    public ModelKey Key => key;

    public QueueName Queue { get; } = new(key.Model, key.Version);

    public bool IsServing => Volatile.Read(ref _server) is not null;

    /// <summary>Ends when its first load has succeeded or failed, or waits until the worker is no longer drained.</summary>
    public Task Tried => _tried.Task;

    /// <summary>For how long nothing has been in flight; null where it is not served.</summary>
    public TimeSpan? IdleFor => Volatile.Read(ref _server)?.IdleFor;

    public TimeSpan ServingFor => IsServing ? time.GetElapsedTime(Volatile.Read(ref _servingSince)) : TimeSpan.Zero;

    /// <summary>Somebody waits for this version, or it is to be open before anybody does.</summary>
    public void Want() => _wanted.Writer.TryWrite(true);

    /// <summary>Takes a new plan: a server that works by the old one is replaced, over the same session, and loses nothing.</summary>
    public void Apply(ServingPlan plan)
    {
        lock (_lock)
        {
            var differs = !ServingPlan.Same(_plan, plan);
            _plan = plan;
            if (differs && _stop is not null)
            {
                _restart = true;
                _ = _stop.CancelAsync();
            }
        }
    }

    /// <summary>Stops serving, after what is in flight, and gives the lease back; the next that wants it begins again.</summary>
    public void GiveBack()
    {
        lock (_lock)
        {
            if (_stop is not null)
            {
                LogGivingBack(key, _server!.IdleFor.TotalSeconds);
                _restart = false;
                _ = _stop.CancelAsync();
            }
        }
    }

    /// <summary>Ends for good, after what is in flight.</summary>
    public void Withdraw() => _ = _withdrawn.CancelAsync();

    /// <summary>Serves whenever it is wanted and the worker is not drained, until it is withdrawn or the process stops.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, _withdrawn.Token);
        while (!ending.IsCancellationRequested)
        {
            try
            {
                await WantedAsync(ending.Token);
                using var turn = await EnterAsync(ending.Token);
                await ServeAsync(turn.Drained, ending.Token);
            }
            catch (OperationCanceledException) when (ending.IsCancellationRequested)
            {
                // Withdrawn, or the process stops.
            }
            catch (ModelUnavailableException exception)
            {
                await TryAsync(() => RefuseAsync(exception), ending.Token);
            }
            catch (Exception exception)
            {
                LogFault(exception, key);
                await PauseAsync(LongestPause, ending.Token);
            }

            _tried.TrySetResult();
        }
    }

    public void Dispose() => _withdrawn.Dispose();

    // The jobs of a version that can't be loaded were returned, which wakes every worker: to take them again before another load may be
    // tried would only hand them back again. What has come since then is another matter: it may be a call, and its caller waits.
    private async Task WantedAsync(CancellationToken ending)
    {
        if (_jobsWaitUntil is not { } until)
        {
            await _wanted.Reader.ReadAsync(ending);
            return;
        }

        while (until - time.GetUtcNow() is var rest && rest > TimeSpan.Zero)
        {
            using var over = new CancellationTokenSource(rest, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, ending);
            try
            {
                await _wanted.Reader.ReadAsync(either.Token);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested && !ending.IsCancellationRequested)
            {
                break;
            }

            if ((await queue.WaitingAsync([Queue])).Count > 0)
            {
                break;
            }

            await PauseAsync(ShortestPause, ending);
        }

        _jobsWaitUntil = null;
    }

    private async Task<DrainSwitch.Turn> EnterAsync(CancellationToken ending)
    {
        var turn = drain.EnterAsync(ending);
        if (!turn.IsCompleted)
        {
            _tried.TrySetResult();
        }

        return await turn;
    }

    private async Task ServeAsync(CancellationToken drained, CancellationToken ending)
    {
        using (var lease = await cache.AcquireAsync(key, ending))
        {
            while (await ServeOnceAsync(lease, drained, ending))
            {
                LogRestarting(key);
            }
        }

        if (drained.IsCancellationRequested)
        {
            // It goes on where it was, once the worker may.
            Want();
        }
        else if (!ending.IsCancellationRequested && (await queue.WaitingAsync([Queue])).Count > 0)
        {
            // It may have come between the last look at the queue and the end; its wake-up was for the server that ended.
            Want();
        }
    }

    // True where the server was stopped only to be replaced.
    private async Task<bool> ServeOnceAsync(ModelLease lease, CancellationToken drained, CancellationToken ending)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(drained, ending);
        ModelServer server;
        lock (_lock)
        {
            _restart = false;
            _stop = stop;
            _servingSince = time.GetTimestamp();
            _server = server = servers.Create(lease.Session, _plan);
        }

        _tried.TrySetResult();
        try
        {
            await server.RunAsync(stop.Token);
        }
        finally
        {
            lock (_lock)
            {
                _stop = null;
                _server = null;
            }
        }

        if (!stop.IsCancellationRequested)
        {
            // It ended by itself, which is how a server drains: there is nothing to serve for any more.
            await Task.Delay(Timeout.InfiniteTimeSpan, ending);
        }

        // Whoever asked while it was served has been served; what came too late is looked for in the queue.
        _ = _wanted.Reader.TryRead(out _);
        return _restart && !ending.IsCancellationRequested;
    }

    private async Task RefuseAsync(ModelUnavailableException exception)
    {
        if (exception.RetryAfter > TimeSpan.Zero)
        {
            var jobs = await refusal.RefuseAsync(key, exception.Message);
            _jobsWaitUntil = jobs > 0 ? time.GetUtcNow() + exception.RetryAfter : null;
        }
        else
        {
            // The breaker is closed still: another try is due.
            Want();
        }
    }

    // Redis may be away; and whoever wants a model that fails must not make a loop of it.
    private async Task TryAsync(Func<Task> action, CancellationToken ending)
    {
        try
        {
            await action();
        }
        catch (Exception exception)
        {
            LogFault(exception, key);
            await PauseAsync(LongestPause, ending);
        }

        await PauseAsync(ShortestPause, ending);
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken ending) =>
        await Task.Delay(pause, time, ending).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    [LoggerMessage(LogLevel.Debug, "{Model} is given back after {Seconds:F1} s without requests")]
    private partial void LogGivingBack(ModelKey model, double seconds);

    [LoggerMessage(LogLevel.Information, "The settings of {Model} have changed: its server is replaced")]
    private partial void LogRestarting(ModelKey model);

    [LoggerMessage(LogLevel.Error, "Serving {Model} was interrupted, trying again in a second")]
    private partial void LogFault(Exception exception, ModelKey model);
}
