using System.Diagnostics.Metrics;
using Npgsql;

namespace InferenceTemplate.Api.Audit;

/// <summary>
/// Takes down what happened without making anybody wait for it: entries wait in memory, also while the database is away, until
/// <see cref="AuditWriter"/> has appended them. What callers can cause without end (failed logins, refusals, tokens) is bounded and
/// shed beyond; what was administered is not.
/// </summary>
public sealed class AuditLog : IDisposable
{
    public const string MeterName = "InferenceTemplate.Audit";

    /// <summary>Of those, how many may wait; more are shed and counted.</summary>
    public const int MaxUnauthenticated = 10_000;

    /// <summary>
    /// Everything else that may wait. Nobody administers that much; beyond it recording fails, and with it what is recorded.
    /// </summary>
    public const int MaxWaiting = 100_000;

    private const int MaxBatch = 1_000;

    private readonly AuditChain _chain;
    private readonly TimeProvider _time;
    private readonly Counter<long> _shed;
    private readonly Lock _lock = new();
    private readonly Queue<AuditEvent> _waiting = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private TaskCompletionSource _arrived = NewArrival();
    private IReadOnlyList<AuditEvent> _inFlight = [];
    private int _unauthenticated;

    public AuditLog(AuditChain chain, TimeProvider time, IMeterFactory meters)
    {
        (_chain, _time) = (chain, time);
        var meter = meters.Create(MeterName);
        _shed = meter.CreateCounter<long>(
            "inference.audit.shed", "{entry}", "Failed logins that were not recorded, since too many waited.");
        meter.CreateObservableGauge("inference.audit.waiting", () => Waiting, "{entry}", "Audit entries that wait to be written.");
    }

    /// <summary>Entries that wait; those being written are not counted.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Completes when something waits.</summary>
    internal Task Arrived
    {
        get
        {
            lock (_lock)
            {
                return _arrived.Task;
            }
        }
    }

    /// <summary>Records without waiting.</summary>
    /// <exception cref="InvalidOperationException">More than <see cref="MaxWaiting"/> wait.</exception>
    public void Record(AuditEvent happened)
    {
        var dated = Dated(happened);
        lock (_lock)
        {
            if (AuditActions.IsUnauthenticated(happened.Action))
            {
                if (_unauthenticated >= MaxUnauthenticated)
                {
                    _shed.Add(1);
                    return;
                }

                _unauthenticated++;
            }
            else if (_waiting.Count - _unauthenticated >= MaxWaiting)
            {
                throw new InvalidOperationException(
                    $"{MaxWaiting} audit entries wait to be written: nothing is administered until they are.");
            }

            _waiting.Enqueue(dated);
            _arrived.TrySetResult();
        }
    }

    /// <summary>Records, and returns when it is committed: for what must not happen unrecorded.</summary>
    /// <exception cref="NpgsqlException">The database can't be asked.</exception>
    public Task RecordAsync(AuditEvent happened, CancellationToken cancellationToken) =>
        _chain.AppendAsync([Dated(happened)], cancellationToken);

    /// <summary>Writes all that waits now; for programs that end without having been hosted.</summary>
    /// <exception cref="NpgsqlException">The database can't be asked; what was in flight is kept.</exception>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        while (await WriteNextAsync(cancellationToken))
        {
            // Until nothing is left.
        }
    }

    /// <summary>Writes one batch; false when nothing waits. A batch that could not be written stays in flight.</summary>
    internal async Task<bool> WriteNextAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            _inFlight = _inFlight.Count > 0 ? _inFlight : Take();
            if (_inFlight.Count == 0)
            {
                return false;
            }

            await _chain.AppendAsync(_inFlight, cancellationToken);
            _inFlight = [];
            return true;
        }
        finally
        {
            _writing.Release();
        }
    }

    public void Dispose() => _writing.Dispose();

    private List<AuditEvent> Take()
    {
        var batch = new List<AuditEvent>();
        lock (_lock)
        {
            while (batch.Count < MaxBatch && _waiting.TryDequeue(out var next))
            {
                _unauthenticated -= AuditActions.IsUnauthenticated(next.Action) ? 1 : 0;
                batch.Add(next);
            }

            if (_waiting.Count == 0 && _arrived.Task.IsCompleted)
            {
                _arrived = NewArrival();
            }
        }

        return AuditRepeats.PutTogether(batch);
    }

    private AuditEvent Dated(AuditEvent happened) => happened.At is null ? happened with { At = _time.GetUtcNow() } : happened;

    // Whoever waits for it goes on elsewhere than under the lock.
    private static TaskCompletionSource NewArrival() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
