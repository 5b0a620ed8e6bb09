using System.Reflection;
using System.Runtime.ExceptionServices;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>The Main of an AppHost on a thread of its own. It stops before Build until the test builds, and again where it would run.</summary>
internal sealed class EntryPointRun(
    Assembly assembly, string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
    : EntryPointHook, IAsyncDisposable
{
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _described = New<DistributedApplicationBuilder>();
    private readonly TaskCompletionSource _mayBuild = New();
    private readonly TaskCompletionSource<DistributedApplication> _built = New<DistributedApplication>();
    private readonly TaskCompletionSource _started = New();
    private readonly TaskCompletionSource _disposed = New();
    private string? _temporary;
    public override Task Started => _started.Task;
    public override Task Disposed => _disposed.Task;

    public Task<DistributedApplicationBuilder> DescribeAsync(CancellationToken cancellationToken)
    {
        new Thread(RunMain) { IsBackground = true, Name = $"Main of {assembly.GetName().Name}" }.Start();
        return _described.Task.WaitAsync(cancellationToken);
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.TrySetResult();
        return _built.Task.WaitAsync(cancellationToken);
    }

    public override void Creating(DistributedApplicationOptions options, HostApplicationBuilderSettings settings)
    {
        options.AssemblyName = assembly.GetName().Name;
        options.Args = [.. options.Args ?? [], .. args];
        settings.ApplicationName = options.AssemblyName;
        settings.ContentRootPath = Directory.Exists(options.ProjectDirectory) ? options.ProjectDirectory : settings.ContentRootPath;
        configure(options, settings);

        // The launch profile's variables, as if they were set; but those that are set win.
        var defaults = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var profiles = LaunchProfiles.Read(options.ProjectDirectory)?.Profiles ?? [];
        var wanted = Environment.GetEnvironmentVariable("DOTNET_LAUNCH_PROFILE") ?? profiles.FirstOrDefault().Key;
        foreach (var (key, value) in (wanted is null ? null : profiles.GetValueOrDefault(wanted))?.EnvironmentVariables ?? [])
        {
            var plain = key.StartsWith("DOTNET_", StringComparison.Ordinal) ? key["DOTNET_".Length..] : key;
            defaults[plain] = value;
            defaults[key] = value;
        }

        defaults["DOTNET_LAUNCH_PROFILE"] = wanted;
        defaults["DcpPublisher:RandomizePorts"] = "true";

        // A source of its own: what is only set on a ConfigurationManager is lost when its sources change.
        settings.Configuration ??= new();
        settings.Configuration.AddInMemoryCollection(defaults);
    }

    public override void Configure(ConfigurationManager configuration)
    {
        if (configuration["Offline:DataDirectory"] is null)
        {
            _temporary = Directory.CreateTempSubdirectory("apphost-").FullName;
            configuration["Offline:DataDirectory"] = _temporary;
        }

        configuration["Offline:LogFile"] ??= Path.Combine(configuration["Offline:DataDirectory"]!, "apphost.log");
    }

    public override void Building(DistributedApplicationBuilder builder)
    {
        _described.TrySetResult(builder);
        _mayBuild.Task.GetAwaiter().GetResult();
    }

    public override void Built(DistributedApplication application) => _built.TrySetResult(application);
    public override void OnStarted() => _started.TrySetResult();

    public override void OnDisposed()
    {
        DeleteTemporary();
        _started.TrySetCanceled();
        _disposed.TrySetResult();
    }

    /// <summary>Ends the application, or a Main that was never built.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_mayBuild.TrySetException(new OperationCanceledException("The test ended before it built the application.")))
            DeleteTemporary();
        else if (_built.Task.IsCompletedSuccessfully)
            await (await _built.Task).DisposeAsync();
    }

    private static TaskCompletionSource<T> New<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void RunMain()
    {
        Current = this;
        try
        {
            var main = assembly.EntryPoint ?? throw new InvalidOperationException($"{assembly.GetName().Name} has no Main.");
            main.Invoke(null, main.GetParameters().Length == 0 ? [] : [args]);
            Fail(new InvalidOperationException($"The Main of {assembly.GetName().Name} ended without building an application."));
        }
        catch (TargetInvocationException e)
        {
            Fail(e.InnerException!);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Fail(Exception error)
    {
        // Kept with its own stack; no effect where the application was built.
        error = ExceptionDispatchInfo.Capture(error).SourceException;
        _described.TrySetException(error);
        _built.TrySetException(error);
    }

    private void DeleteTemporary()
    {
        if (_temporary is not null && Directory.Exists(_temporary))
            Directory.Delete(_temporary, recursive: true);
    }
}
