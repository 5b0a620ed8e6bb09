using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The states of all resources, and waiting for them.</summary>
public class ResourceNotificationService
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceEvent> _current = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Channel<ResourceEvent>> _watchers = [];
    private readonly DistributedApplicationModel _model;
    internal ResourceNotificationService(DistributedApplicationModel model) => _model = model;

    public Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        lock (_lock)
        {
            var before = _current.GetValueOrDefault(resource.Name)?.Snapshot
                ?? new CustomResourceSnapshot { ResourceType = resource.GetType().Name };
            var changed = _current[resource.Name] = new(resource, resource.Name, stateFactory(before));
            _watchers.ForEach(w => w.Writer.TryWrite(changed));
        }

        return Task.CompletedTask;
    }

    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (_lock)
        {
            return _current.TryGetValue(resourceId, out resourceEvent);
        }
    }

    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (_lock)
        {
            foreach (var known in _current.Values)
                channel.Writer.TryWrite(known);

            _watchers.Add(channel);
        }

        try
        {
            await foreach (var change in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return change;
            }
        }
        finally
        {
            lock (_lock)
            {
                _watchers.Remove(channel);
            }
        }
    }

    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    public async Task<string> WaitForResourceAsync(
        string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var states = targetStates.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var reached = await WaitForResourceAsync(resourceName, e => states.Contains(e.Snapshot.State?.Text ?? string.Empty), cancellationToken);
        return reached.Snapshot.State!.Text;
    }

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        await foreach (var change in WatchAsync(cancellationToken))
        {
            if (string.Equals(change.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase) && predicate(change))
                return change;
        }

        throw new OperationCanceledException($"Waiting for resource '{resourceName}' was cancelled.");
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, WaitBehavior.StopOnResourceUnavailable, cancellationToken);

    public async Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        if (!_model.Resources.TryGetByName(resourceName, out _))
            throw new DistributedApplicationException($"There is no resource '{resourceName}'.");

        var stop = waitBehavior == WaitBehavior.StopOnResourceUnavailable;
        var reached = await WaitForResourceAsync(
            resourceName, e => (stop && e.Snapshot.IsOver) || e.Snapshot is { HealthStatus: HealthStatus.Healthy, IsReady: true }, cancellationToken);
        return reached.Snapshot.IsOver ? throw new DistributedApplicationException(Unavailable(reached)) : reached;
    }

    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        foreach (var wait in resource.Annotations.OfType<WaitAnnotation>().Where(w => w.Resource is not ParameterResource).ToList())
        {
            var name = wait.Resource.Name;
            var behavior = wait.WaitBehavior ?? WaitBehavior.StopOnResourceUnavailable;
            var stop = behavior == WaitBehavior.StopOnResourceUnavailable;
            switch (wait.WaitType)
            {
                case WaitType.WaitUntilHealthy:
                    await WaitForResourceHealthyAsync(name, behavior, cancellationToken);
                    break;
                case WaitType.WaitUntilStarted:
                    var started = await WaitForResourceAsync(
                        name, e => (stop && e.Snapshot.IsOver) || e.Snapshot.State?.Text == KnownResourceStates.Running, cancellationToken);
                    ThrowIf(started.Snapshot.IsOver, started);
                    break;
                default:
                    var ended = await WaitForResourceAsync(name, e => e.Snapshot.IsOver, cancellationToken);
                    ThrowIf(ended.Snapshot.State?.Text == KnownResourceStates.FailedToStart || ended.Snapshot.ExitCode != wait.ExitCode, ended);
                    break;
            }
        }
    }

    private static void ThrowIf(bool failed, ResourceEvent state)
    {
        if (failed) throw new DistributedApplicationException(Unavailable(state));
    }

    private static string Unavailable(ResourceEvent state)
    {
        var snapshot = state.Snapshot;
        var what = snapshot.State?.Text == KnownResourceStates.FailedToStart ? "failed to start" : $"has ended with code {snapshot.ExitCode}";
        return $"'{state.Resource.Name}' {what}{(snapshot.Reason is null ? "." : $": {snapshot.Reason}")}";
    }
}
