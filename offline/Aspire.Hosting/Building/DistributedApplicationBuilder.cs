using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Publishing;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Describes an application.</summary>
public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }
    string AppHostDirectory { get; }
    Assembly? AppHostAssembly { get; }
    IHostEnvironment Environment { get; }
    DistributedApplicationExecutionContext ExecutionContext { get; }
    IDistributedApplicationEventing Eventing { get; }
    IServiceCollection Services { get; }
    IResourceCollection Resources { get; }

    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource;

    DistributedApplication Build();
}

/// <inheritdoc />
public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private static readonly Dictionary<string, string> Switches = new(StringComparer.Ordinal)
    {
        ["--operation"] = "AppHost:Operation",
        ["--step"] = "Pipeline:Step",
        ["--output-path"] = "Pipeline:OutputPath",
        ["--publisher"] = "Publishing:Publisher",
    };

    private readonly HostApplicationBuilder _host;
    private readonly EntryPointHook? _hook = EntryPointHook.Current;

    public DistributedApplicationBuilder(string[] args)
        : this(new DistributedApplicationOptions { Args = args })
    {
    }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
    {
        var settings = new HostApplicationBuilderSettings
        {
            ApplicationName = options.AssemblyName,
            ContentRootPath = Directory.Exists(options.ProjectDirectory) ? options.ProjectDirectory : null,
            Configuration = new ConfigurationManager(),
        };
        _hook?.Creating(options, settings);
        settings.Args = options.Args;
        _host = new HostApplicationBuilder(settings);
        Configuration.AddCommandLine(options.Args ?? [], Switches);
        _hook?.Configure(Configuration);
        AppHostDirectory = options.ProjectDirectory ?? Environment.ContentRootPath;
        AppHostAssembly = options.Assembly;
        ExecutionContext = new(Operation());

        // A volume's name holds this: in publish mode it must not depend on where the repository lies.
        var name = options.ProjectName ?? Environment.ApplicationName;
        var identity = ExecutionContext.IsPublishMode ? name : Path.GetFullPath(Path.Join(AppHostDirectory, name)).ToLowerInvariant();
        Configuration["AppHost:Sha256"] = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(identity)));
        Configuration["AppHost:Directory"] = AppHostDirectory;
        Secrets = new GeneratedSecrets(Configuration, AppHostDirectory);

        Services.AddSingleton<IDistributedApplicationEventing>(Eventing);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddSingleton(new ResourceNotificationService(new DistributedApplicationModel(Resources)));
        Services.AddSingleton(Pipeline);
        Services.AddSingleton(new AppHost(AppHostDirectory, AppHostAssembly));
        Services.AddHealthChecks();
        Services.AddHttpClient();
        Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromMinutes(3));

        // Status lines and error messages say these things, and a check that fails while a server starts is no news.
        _host.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        _host.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        _host.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        _host.Logging.AddFilter("System.Net.Http.HttpClient", LogLevel.Warning);
        if (ExecutionContext.IsRunMode)
        {
            Services.AddSingleton<ResourceConsole>();
            Services.AddSingleton<HealthMonitor>();
            Services.AddHostedService<Orchestrator>();
        }
    }

    public ConfigurationManager Configuration => _host.Configuration;
    public string AppHostDirectory { get; }
    public Assembly? AppHostAssembly { get; }
    public IHostEnvironment Environment => _host.Environment;
    public DistributedApplicationExecutionContext ExecutionContext { get; }
    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();
    public IServiceCollection Services => _host.Services;
    public IResourceCollection Resources { get; } = new ResourceCollection();
    internal GeneratedSecrets Secrets { get; }
    internal PublishingPipeline Pipeline { get; } = new();

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource =>
        new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _hook?.Building(this);
        var application = new DistributedApplication(_host.Build(), _hook);
        _hook?.Built(application);
        return application;
    }

    private DistributedApplicationOperation Operation()
    {
        // "--publisher manifest" is the older way to say "--operation publish --step publish-manifest".
        if (Configuration["Publishing:Publisher"] is { } publisher && Configuration["AppHost:Operation"] is null)
        {
            Configuration["AppHost:Operation"] = "Publish";
            Configuration["Pipeline:Step"] ??= $"publish-{publisher}";
        }

        return Configuration["AppHost:Operation"]?.ToUpperInvariant() switch
        {
            null or "RUN" => DistributedApplicationOperation.Run,
            "PUBLISH" => DistributedApplicationOperation.Publish,
            var other => throw new DistributedApplicationException($"Unknown operation '{other}'; use --operation run or --operation publish."),
        };
    }
}
