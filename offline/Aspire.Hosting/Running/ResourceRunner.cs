using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;

namespace Aspire.Hosting.Running;

/// <summary>What all runners share.</summary>
internal sealed record RunnerServices(
    IServiceProvider Provider,
    AppHost AppHost,
    DataDirectory Data,
    DistributedApplicationExecutionContext ExecutionContext,
    ResourceNotificationService Notifications,
    IDistributedApplicationEventing Eventing,
    ResourceConsole Console,
    HealthMonitor Health);

/// <summary>Takes one resource from waiting to running, watches it, and stops it.</summary>
internal sealed class ResourceRunner(IResource resource, EndpointAllocation endpoints, RunnerServices services, CancellationToken stopping)
{
    private readonly TaskCompletionSource _created = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<SupervisedProcess> _processes = [];
    private readonly ResourceCommands _commands = new(resource, services.AppHost, services.Data, endpoints, services.ExecutionContext);
    private readonly CancellationTokenSource _alive = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    private int _running;

    /// <summary>Ends when the resource was started, or has failed to.</summary>
    public Task Created => _created.Task;

    /// <summary>When it was started, in the order of all starts; what starts last stops first.</summary>
    public long StartedAt { get; private set; } = long.MaxValue;

    public void Check() => _commands.Check();

    public async Task RunAsync()
    {
        try
        {
            await WaitAsync();
            await services.Eventing.PublishAsync(new BeforeResourceStartedEvent(resource, services.Provider), stopping);
            if (resource is not IResourceWithParent && resource is ContainerResource or ProjectResource or ExecutableResource)
                await StartProcessesAsync();

            await PublishAsync(s => s with { State = KnownResourceStates.Running });
            _created.TrySetResult();
            await services.Health.WatchAsync(resource, _alive.Token);
        }
        catch (OperationCanceledException) when (_alive.IsCancellationRequested)
        {
            // Stopped, or over.
        }
        catch (Exception e)
        {
            // What it may still answer is no longer wanted by anyone.
            Enumerable.Range(0, resource.GetReplicaCount()).ToList().ForEach(endpoints.Over);
            services.Console.Status(resource.Name, $"failed to start: {e.Message}");
            await PublishAsync(s => s with { State = KnownResourceStates.FailedToStart, HealthStatus = null, Reason = e.Message });
        }
        finally
        {
            _created.TrySetResult();
        }
    }

    public async Task StopAsync()
    {
        List<SupervisedProcess> processes;
        lock (_processes)
        {
            processes = [.. _processes];
        }

        if (processes.Exists(p => !p.Exited.IsCompleted))
            services.Console.Status(resource.Name, "stopping");

        await Task.WhenAll(processes.Select(p => p.StopAsync()));
        processes.ForEach(p => p.Dispose());
    }

    private async Task WaitAsync()
    {
        if (resource is IResourceWithParent { Parent.Name: var parent })
            await services.Notifications.WaitForResourceHealthyAsync(parent, stopping);

        var awaited = resource.Annotations.OfType<WaitAnnotation>().Select(w => w.Resource.Name).Distinct(StringComparer.Ordinal).ToList();
        if (awaited.Count > 0)
        {
            services.Console.Status(resource.Name, $"waiting for {string.Join(", ", awaited)}");
            await PublishAsync(s => s with { State = KnownResourceStates.Waiting });
            await services.Notifications.WaitForDependenciesAsync(resource, stopping);
        }
    }

    private async Task StartProcessesAsync()
    {
        var replicas = resource.GetReplicaCount();
        services.Console.Status(resource.Name, replicas == 1 ? "starting" : $"starting {replicas} replicas");
        await PublishAsync(s => s with { State = KnownResourceStates.Starting });
        for (var replica = 0; replica < replicas; replica++)
        {
            var name = replicas == 1 ? resource.Name : $"{resource.Name}-{replica + 1}";
            var spec = await _commands.SpecAsync(replica, stopping);
            stopping.ThrowIfCancellationRequested();
            var process = SupervisedProcess.Start(spec, services.Data, line => services.Console.Line(name, line));
            lock (_processes)
            {
                _processes.Add(process);
                _running++;
            }

            StartedAt = TimeProvider.System.GetTimestamp();
            _ = WatchExitAsync(process, replica, name);
        }

        services.Console.Status(resource.Name, "running");
    }

    private async Task WatchExitAsync(SupervisedProcess process, int replica, string name)
    {
        var code = await process.Exited;
        if (stopping.IsCancellationRequested)
        {
            services.Console.Status(name, "stopped");
            return;
        }

        endpoints.Over(replica);
        services.Console.Status(name, $"exited ({code})");
        if (code != 0)
            services.Console.Status(name, $"its last lines:{Environment.NewLine}{process.LastLines}");

        int left;
        lock (_processes)
        {
            left = --_running;
        }

        if (left == 0)
        {
            var state = resource is ContainerResource ? KnownResourceStates.Exited : KnownResourceStates.Finished;
            await _alive.CancelAsync();
            await PublishAsync(s => s with { State = state, ExitCode = code, HealthStatus = null, Reason = Environment.NewLine + process.LastLines });
        }
    }

    // A resource that is over stays so: health checks and late starts do not revive it.
    private Task PublishAsync(Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        services.Notifications.PublishUpdateAsync(resource, s => s.IsOver ? s : change(s));
}
