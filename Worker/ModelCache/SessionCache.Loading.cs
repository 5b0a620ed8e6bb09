using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>How models get their memory and give it back.</summary>
internal sealed partial class SessionCache
{
    private static readonly TimeSpan RetryAfterNoMemory = TimeSpan.FromSeconds(1);

    // One model is opened at a time: opening takes a core, and only so is the growth of memory that model's.
    private readonly SemaphoreSlim _opening = new(1);
    private readonly SemaphoreSlim _reserving = new(1);

    // Two pipelines that each held some of their steps could both wait for the memory of the rest.
    private readonly SemaphoreSlim _takingSteps = new(1);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task LoadAsync(CachedModel model)
    {
        var start = time.GetTimestamp();
        try
        {
            var session = await breaker.ExecuteAsync(model.Key, () => OpenAsync(model));
            lock (_lock)
            {
                model.Session = session;
                model.State = CachedModelState.Ready;
                Loads++;
                CloseIfDone(model);
            }

            var duration = time.GetElapsedTime(start);
            telemetry.Loaded(model.Key.Model, model.Key.Version, duration);
            LogLoaded(model.Key, model.Bytes, duration.TotalMilliseconds, Bytes, budget.Limit);
            Trim();
        }
        catch (Exception exception)
        {
            lock (_lock)
            {
                if (_models.GetValueOrDefault(model.Key) == model)
                {
                    _models.Remove(model.Key);
                }

                _bytes -= model.Bytes;
                model.Bytes = 0;
                Pulse();
            }

            LogNotLoaded(model.Key, exception.Message);
            throw;
        }
    }

    private async Task<ModelSession> OpenAsync(CachedModel model)
    {
        using var planned = await plan(model.Key, CancellationToken.None);
        if (planned.Steps.Count == 0)
        {
            return await OpenAsync(model, planned, []);
        }

        CheckStepsFit(model.Key, planned);
        var steps = await AcquireStepsAsync(planned.Steps);
        try
        {
            return await OpenAsync(model, planned, steps);
        }
        catch
        {
            steps.ForEach(s => s.Dispose());
            throw;
        }
    }

    // Else each request for it would evict all others before it is refused.
    private void CheckStepsFit(ModelKey pipeline, ModelPlan planned)
    {
        long bytes;
        lock (_lock)
        {
            bytes = planned.Steps.Zip(planned.StepBytes, (step, estimate) => (Key: new ModelKey(step.Model, step.Version), estimate))
                .DistinctBy(s => s.Key)
                .Sum(s => _models.GetValueOrDefault(s.Key) is { State: CachedModelState.Ready } open ? open.Bytes : s.estimate);
        }

        if (bytes > budget.Limit)
        {
            throw new ModelUnavailableException(
                $"the steps of {pipeline} are likely to take {bytes} bytes together, more than Worker:ModelMemory allows all models "
                + $"({budget.Limit})",
                options.Value.MaxLoadBreak);
        }
    }

    private async Task<List<ModelLease>> AcquireStepsAsync(IReadOnlyList<PipelineStep> steps)
    {
        var acquired = new List<ModelLease>(steps.Count);
        await _takingSteps.WaitAsync();
        try
        {
            // One by one, each with its own turn to reserve memory and to open: nothing is held meanwhile but what is open.
            foreach (var step in steps)
            {
                acquired.Add(await AcquireStepAsync(step));
            }

            return acquired;
        }
        catch
        {
            acquired.ForEach(s => s.Dispose());
            throw;
        }
        finally
        {
            _takingSteps.Release();
        }
    }

    private async Task<ModelLease> AcquireStepAsync(PipelineStep step)
    {
        try
        {
            return await AcquireAsync(new ModelKey(step.Model, step.Version), CancellationToken.None);
        }
        catch (ModelUnavailableException exception)
        {
            var reason = $"step '{step.Name}': {exception.Message}";

            // A load that failed is the pipeline's failure too, for which it has a breaker of its own; a lack of memory is nobody's.
            throw exception.InnerException is null
                ? new ModelUnavailableException(reason, exception.RetryAfter) { IsNotTried = exception.IsNotTried }
                : new InvalidOperationException(reason, exception);
        }
    }

    private async Task<ModelSession> OpenAsync(CachedModel model, ModelPlan planned, IReadOnlyList<ModelLease> steps)
    {
        if (planned.EstimatedBytes == 0)
        {
            // A pipeline: its steps are open and count, and it has nothing to wait for.
            return planned.Open(steps);
        }

        await ReserveAsync(model, planned.EstimatedBytes);
        await _opening.WaitAsync();
        try
        {
            var before = budget.Used();

            // A thread of its own: opening blocks for long, and the pool's threads carry the requests of other models.
            var session = await OpenedAsync(Task.Factory.StartNew(
                () => planned.Open(steps), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
            var bytes = MemoryBudget.Correct(planned, budget.Used() - before);
            lock (_lock)
            {
                _bytes += bytes - model.Bytes;
                model.Bytes = bytes;
            }

            return session;
        }
        finally
        {
            _opening.Release();
        }
    }

    // An operator that never returns can't be ended: its thread is lost, but no other model waits for it.
    private async Task<ModelSession> OpenedAsync(Task<ModelSession> opening)
    {
        try
        {
            return await opening.WaitAsync(options.Value.LoadTime, time);
        }
        catch (TimeoutException exception) when (!opening.IsFaulted)
        {
            _ = opening.ContinueWith(
                late => late.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
            throw new TimeoutException(
                $"opening it took longer than Worker:LoadTime ({options.Value.LoadTime.TotalSeconds:0.###} s)", exception);
        }
    }

    private async Task ReserveAsync(CachedModel model, long bytes)
    {
        if (bytes > budget.Limit)
        {
            throw new ModelUnavailableException(
                $"{model.Key} is likely to take {bytes} bytes, more than Worker:ModelMemory allows all models together ({budget.Limit})",
                options.Value.MaxLoadBreak);
        }

        // One after the other, in the order of asking: else small models would pass a large one for ever.
        var start = time.GetTimestamp();
        if (!await _reserving.WaitAsync(options.Value.ModelMemoryWait))
        {
            throw new ModelUnavailableException(Shortage(model.Key, bytes), RetryAfterNoMemory);
        }

        try
        {
            await ReserveInTurnAsync(model, bytes, start);
        }
        finally
        {
            Interlocked.Exchange(ref _memoryWaitSince, NoWait);
            _reserving.Release();
        }
    }

    private async Task ReserveInTurnAsync(CachedModel model, long bytes, long start)
    {
        while (true)
        {
            CachedModel? victim;
            Task changed;
            lock (_lock)
            {
                if (_bytes + bytes <= budget.Limit)
                {
                    _bytes += bytes;
                    model.Bytes = bytes;
                    return;
                }

                // Where what is being closed will do, nothing more is evicted or asked for.
                var isShort = _bytes - _closingBytes + bytes > budget.Limit;
                victim = isShort ? ChooseVictim() : null;
                Interlocked.Exchange(ref _memoryWaitSince, isShort && victim is null ? start : NoWait);

                changed = _changed.Task;
            }

            if (victim is not null)
            {
                Evict(victim);
                continue;
            }

            if (MemoryWaitSince is not null)
            {
                MemoryWanted?.Invoke();
            }

            var left = options.Value.ModelMemoryWait - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                throw new ModelUnavailableException(Shortage(model.Key, bytes), RetryAfterNoMemory);
            }

            await changed.WaitAsync(left, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A model that took more than was reserved for it may have pushed all of them over the limit.
    private void Trim()
    {
        while (true)
        {
            CachedModel? victim;
            lock (_lock)
            {
                victim = _bytes - _closingBytes > budget.Limit ? ChooseVictim() : null;
            }

            if (victim is null)
            {
                return;
            }

            Evict(victim);
        }
    }

    private CachedModel? ChooseVictim()
    {
        var victim = _models.Values
            .Where(m => m is { State: CachedModelState.Ready, Leases: 0 })
            .OrderBy(m => m.Pinned)
            .ThenBy(m => m.Use)
            .FirstOrDefault();
        if (victim is not null)
        {
            _models.Remove(victim.Key);
            BeginClosing(victim);
        }

        return victim;
    }

    private void Evict(CachedModel victim)
    {
        CountEviction(victim);
        Close(victim);
    }

    private void CountEviction(CachedModel victim)
    {
        Interlocked.Increment(ref _evictions);
        telemetry.CacheEvicted(victim.Key.Model, victim.Key.Version);
        LogEvicted(victim.Key, victim.Bytes);
    }

    private void BeginClosing(CachedModel model)
    {
        model.State = CachedModelState.Closing;
        _closingBytes += model.Bytes;
    }

    // Outside the lock: closing frees a lot. Its bytes count until they are free.
    private void Close(CachedModel model)
    {
        model.Session!.Dispose();
        lock (_lock)
        {
            _closingBytes -= model.Bytes;
            _bytes -= model.Bytes;
            Pulse();
        }
    }

    private void Pulse()
    {
        var changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.TrySetResult();
    }

    private string Shortage(ModelKey key, long bytes)
    {
        lock (_lock)
        {
            var inUse = _models.Values.Where(m => m.Bytes > 0).Select(m => $"{m.Key} ({m.Bytes} bytes, {m.Leases} leases)");
            return $"{key} is likely to take {bytes} bytes, but {_bytes} of {budget.Limit} (Worker:ModelMemory) stayed in use for "
                + $"{options.Value.ModelMemoryWait.TotalSeconds:0.###} s: {string.Join(", ", inUse)}";
        }
    }

    [LoggerMessage(
        LogLevel.Information, "Loaded {Model}: {Bytes} bytes, warm after {Milliseconds:F0} ms; all models take {Total} of {Limit} bytes")]
    private partial void LogLoaded(ModelKey model, long bytes, double milliseconds, long total, long limit);

    [LoggerMessage(LogLevel.Warning, "{Model} was not loaded; the other models are not affected: {Reason}")]
    private partial void LogNotLoaded(ModelKey model, string reason);

    [LoggerMessage(LogLevel.Information, "Evicted {Model}, the least recently used without a lease: {Bytes} bytes")]
    private partial void LogEvicted(ModelKey model, long bytes);
}
