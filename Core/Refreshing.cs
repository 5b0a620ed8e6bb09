namespace InferenceTemplate.Core;

/// <summary>
/// A value that is read from a server at most once in an interval. While it is read again, and while that fails, callers go on with what
/// was known; however many ask, one reads.
/// </summary>
/// <param name="stale">Told why a value could not be read again.</param>
/// <remarks>
/// Not a library's cache: those keep values for a time and then have the next caller wait, or need an entry, a key and options on a path
/// that each request takes.
/// </remarks>
public sealed class Refreshing<T>(TimeSpan interval, Func<Task<T>> read, TimeProvider time, Action<Exception>? stale = null)
    where T : class
{
    private readonly Lock _lock = new();
    private volatile T? _known;
    private long _readAt;
    private Task<T>? _reading;
    private Task<T>? _next;

    /// <summary>Raised after each reading, on the thread that read.</summary>
    public event EventHandler? Refreshed;

    /// <summary>What is known; waits where that is nothing yet, and throws what the first reading throws.</summary>
    /// <param name="wait">
    /// How long the caller who finds it old, and has it read again, waits for that. Others are not held up, however slow the server is.
    /// </param>
    public ValueTask<T> GetAsync(CancellationToken cancellationToken, TimeSpan wait = default)
    {
        if (_known is { } fresh && time.GetElapsedTime(Interlocked.Read(ref _readAt)) < interval)
        {
            return ValueTask.FromResult(fresh);
        }

        Task<T> reading;
        bool began;
        lock (_lock)
        {
            began = _reading is null;
            reading = _reading ??= Task.Run(() => ReadAsync(before: null, isNext: false), CancellationToken.None);
        }

        return _known is not { } known ? new(reading.WaitAsync(cancellationToken))
            : began && wait > TimeSpan.Zero ? new(NewsAsync(reading, wait, cancellationToken))
            : ValueTask.FromResult(known);
    }

    /// <summary>Reads again, beginning after this call: what the caller has committed is in the answer.</summary>
    public Task<T> RefreshAsync(CancellationToken cancellationToken)
    {
        // One that has not begun to read serves every caller until it does.
        lock (_lock)
        {
            if (_next is null)
            {
                var before = _reading;
                _next = _reading = Task.Run(() => ReadAsync(before, isNext: true), CancellationToken.None);
            }

            return _next.WaitAsync(cancellationToken);
        }
    }

    private async Task<T> NewsAsync(Task<T> reading, TimeSpan wait, CancellationToken cancellationToken)
    {
        await ((Task)reading).WaitAsync(wait, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _known!;
    }

    // One at a time, so that an older reading never replaces a newer one.
    private async Task<T> ReadAsync(Task<T>? before, bool isNext)
    {
        if (before is not null)
        {
            await ((Task)before).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (isNext)
        {
            lock (_lock)
            {
                _next = null;
            }
        }

        T value;
        try
        {
            _known = value = await read();
        }
        catch (Exception exception) when (_known is not null)
        {
            stale?.Invoke(exception);
            return _known;
        }
        finally
        {
            Interlocked.Exchange(ref _readAt, time.GetTimestamp());
            lock (_lock)
            {
                if (_next is null)
                {
                    _reading = null;
                }
            }
        }

        Refreshed?.Invoke(this, EventArgs.Empty);
        return value;
    }
}
