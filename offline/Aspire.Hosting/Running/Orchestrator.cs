using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Running;

/// <summary>Runs the application as local processes, with neither containers nor DCP.</summary>
internal sealed class Orchestrator(
    IServiceProvider provider,
    IConfiguration configuration,
    AppHost appHost,
    DistributedApplicationModel model,
    DistributedApplicationExecutionContext executionContext,
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    ResourceConsole console,
    HealthMonitor health) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<EndpointAllocation> _endpoints = [];
    private readonly List<ResourceRunner> _runners = [];
    private Task _running = Task.CompletedTask;
    private DataDirectory? _data;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        LocalBinary.Require("setsid", "util-linux", "Running services as processes");
        LocalBinary.Require("flock", "util-linux", "Running services as processes");
        try
        {
            _data = await DataDirectory.OpenAsync(DataDirectory.PathOf(configuration, appHost.Directory), console, cancellationToken);
            await CheckParametersAsync(cancellationToken);
            Collector.ForgetIfAbsent(configuration, console);
            var services = new RunnerServices(provider, appHost, _data, executionContext, notifications, eventing, console, health);
            var randomize = configuration.GetValue("DcpPublisher:RandomizePorts", defaultValue: false);
            foreach (var resource in model.Resources.Where(r => r is not ParameterResource))
            {
                var endpoints = new EndpointAllocation(resource, randomize);
                _endpoints.Add(endpoints);
                endpoints.Allocate();
                var runner = new ResourceRunner(resource, endpoints, services, _stopping.Token);
                runner.Check();
                _runners.Add(runner);
            }
        }
        catch
        {
            await StopAsync(CancellationToken.None);
            throw;
        }

        console.Status("apphost", "running; Ctrl+C stops everything");
        _running = Task.WhenAll(_runners.Select(r => Task.Run(r.RunAsync, CancellationToken.None)).Append(AnnounceAsync()));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _running;
        foreach (var runner in _runners.OrderByDescending(r => r.StartedAt))
            await runner.StopAsync();

        foreach (var endpoints in _endpoints)
            await endpoints.DisposeAsync();

        _runners.Clear();
        _endpoints.Clear();
        _data?.Dispose();
        _data = null;
    }

    public void Dispose()
    {
        _data?.Dispose();
        _stopping.Dispose();
    }

    /// <summary>A missing value would otherwise show only when the first resource that needs it starts.</summary>
    private async Task CheckParametersAsync(CancellationToken cancellationToken)
    {
        var missing = new List<string>();
        foreach (var parameter in model.Resources.OfType<ParameterResource>())
        {
            try
            {
                await parameter.GetValueAsync(cancellationToken);
            }
            catch (MissingParameterValueException e)
            {
                missing.Add(e.Message);
            }
        }

        if (missing.Count > 0) throw new MissingParameterValueException(string.Join(Environment.NewLine, missing));
    }

    private async Task AnnounceAsync()
    {
        await Task.WhenAll(_runners.Select(r => r.Created));
        try
        {
            _stopping.Token.ThrowIfCancellationRequested();
            await eventing.PublishAsync(new AfterResourcesCreatedEvent(provider, model), _stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Nobody asks any more.
        }
        catch (Exception e)
        {
            console.Status("apphost", $"a handler of {nameof(AfterResourcesCreatedEvent)} failed: {e.Message}");
        }
    }
}
