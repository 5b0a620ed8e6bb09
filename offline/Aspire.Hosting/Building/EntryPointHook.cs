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

    /// <summary>Before the builder is made.</summary>
    public abstract void Creating(DistributedApplicationOptions options, HostApplicationBuilderSettings settings);

    /// <summary>When its configuration is there: what is added now wins.</summary>
    public abstract void Configure(ConfigurationManager configuration);

    /// <summary>When the description is done; returns when the test wants it built.</summary>
    public abstract void Building(DistributedApplicationBuilder builder);

    /// <summary>When it is built.</summary>
    public abstract void Built(DistributedApplication application);

    /// <summary>Ends when the test has started the application.</summary>
    public abstract Task Started { get; }

    /// <summary>Ends when the test has disposed the application.</summary>
    public abstract Task Disposed { get; }

    /// <summary>The test has started the application.</summary>
    public abstract void OnStarted();

    /// <summary>The test has disposed the application.</summary>
    public abstract void OnDisposed();
}
