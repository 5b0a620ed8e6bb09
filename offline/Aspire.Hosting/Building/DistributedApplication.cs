using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Publishing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>An application that was described and can run, or be published.</summary>
public class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly IHost _host;
    private readonly EntryPointHook? _hook;
    private bool _disposed;

    public DistributedApplication(IHost host)
        : this(host, null)
    {
    }

    internal DistributedApplication(IHost host, EntryPointHook? hook)
    {
        _host = host;
        _hook = hook;
    }

    public IServiceProvider Services => _host.Services;
    public ResourceNotificationService ResourceNotifications => Services.GetRequiredService<ResourceNotificationService>();
    public static IDistributedApplicationBuilder CreateBuilder() => CreateBuilder([]);
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new DistributedApplicationBuilder(args);
    public static IDistributedApplicationBuilder CreateBuilder(DistributedApplicationOptions options) => new DistributedApplicationBuilder(options);

    public virtual async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (_hook is not null && EntryPointHook.Current == _hook)
        {
            // The AppHost's own Main under a test: it is the test that starts.
            await _hook.Started.WaitAsync(cancellationToken);
            return;
        }

        await PublishBeforeStartAsync(cancellationToken);
        await _host.StartAsync(cancellationToken);
        _hook?.OnStarted();
    }

    public virtual Task StopAsync(CancellationToken cancellationToken = default) => _host.StopAsync(cancellationToken);

    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        if (_hook is not null && EntryPointHook.Current == _hook)
        {
            await _hook.Disposed.WaitAsync(cancellationToken);
            return;
        }

        try
        {
            if (Services.GetRequiredService<DistributedApplicationExecutionContext>().IsPublishMode)
            {
                await PublishBeforeStartAsync(cancellationToken);
                await Services.GetRequiredService<PublishingPipeline>().ExecuteAsync(Services, cancellationToken);
            }
            else
            {
                await StartAsync(cancellationToken);
                await _host.WaitForShutdownAsync(cancellationToken);
            }
        }
        catch (DistributedApplicationException e)
        {
            // The message is for people; a stack trace would bury it.
            await Console.Error.WriteLineAsync($"error: {e.Message}");
            System.Environment.ExitCode = 1;
        }
        finally
        {
            await DisposeAsync();
        }
    }

    public void Run() => RunAsync().GetAwaiter().GetResult();
    public virtual void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public virtual async ValueTask DisposeAsync()
    {
        if (_disposed) return;

        _disposed = true;
        try
        {
            // A host that is only disposed would leave its hosted services as they are.
            await _host.StopAsync();
        }
        finally
        {
            await ((IAsyncDisposable)_host).DisposeAsync();
            _hook?.OnDisposed();
            GC.SuppressFinalize(this);
        }
    }

    private Task PublishBeforeStartAsync(CancellationToken cancellationToken) =>
        Services.GetRequiredService<IDistributedApplicationEventing>().PublishAsync(
            new BeforeStartEvent(Services, Services.GetRequiredService<DistributedApplicationModel>()), cancellationToken);
}
