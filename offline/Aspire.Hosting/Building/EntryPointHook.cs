using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>How a test takes part in an AppHost whose Main it runs. It flows with that Main and nowhere else.</summary>
internal abstract class EntryPointHook
{
    private static readonly AsyncLocal<EntryPointHook?> Flowing = new();

    public static EntryPointHook? Current
    {
        get => Flowing.Value;
        set => Flowing.Value = value;
    }

    public abstract void Creating(DistributedApplicationOptions options, HostApplicationBuilderSettings settings);
    public abstract void Configure(ConfigurationManager configuration);
    public abstract void Building(DistributedApplicationBuilder builder);
    public abstract void Built(DistributedApplication application);
    public abstract Task Started { get; }
    public abstract Task Disposed { get; }
    public abstract void OnStarted();
    public abstract void OnDisposed();
}
