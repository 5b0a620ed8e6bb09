using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Adds .NET projects.</summary>
public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() =>
        builder.AddProject<TProject>(name, _ => { });

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new() =>
        builder.AddProject<TProject>(name, o => (o.LaunchProfileName, o.ExcludeLaunchProfile) = (launchProfileName, launchProfileName is null));

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, Action<ProjectResourceOptions> configure)
        where TProject : IProjectMetadata, new()
    {
        var options = new ProjectResourceOptions();
        configure(options);
        var project = builder.AddResource(new ProjectResource(name)).WithAnnotation<IProjectMetadata>(new TProject());
        if (options.ExcludeLaunchProfile)
        {
            project.WithAnnotation(new ExcludeLaunchProfileAnnotation());
        }
        else if (options.LaunchProfileName is { } profile)
        {
            project.WithAnnotation(new LaunchProfileAnnotation(profile));
        }

        project.Resource.Profiles.Select(builder.Configuration);
        project.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory");
        return builder.ExecutionContext.IsRunMode ? ForRun(project) : ForPublish(project);
    }

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas) =>
        builder.WithAnnotation(new ReplicaAnnotation(replicas));

    private static IResourceBuilder<ProjectResource> ForRun(IResourceBuilder<ProjectResource> project)
    {
        if (project.ApplicationBuilder.Environment.IsDevelopment())
        {
            project.WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION", "true")
                .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION", "true");
        }

        project.WithOtlpExporter()
            .WithEnvironment("DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION", "true")
            .WithEnvironment("LOGGING__CONSOLE__FORMATTERNAME", "simple")
            .WithEnvironment(context => SetUrls(project.Resource, context.EnvironmentVariables));
        if (project.Resource.Profiles.Effective is not { } profile) return project;

        var schemes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var url in profile.ApplicationUrl?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            var address = BindingAddress.Parse(url);
            var count = schemes[address.Scheme] = schemes.GetValueOrDefault(address.Scheme) + 1;
            project.WithEndpoint(count == 1 ? address.Scheme : $"{address.Scheme}{count}", e =>
            {
                e.UriScheme = address.Scheme;
                e.Port = address.Port;
                e.TargetHost = address.Host is "127.0.0.1" or "[::1]" ? "localhost" : address.Host;
                e.FromLaunchProfile = true;
            });
        }

        return project.WithEnvironment(context =>
        {
            context.EnvironmentVariables.TryAdd("DOTNET_LAUNCH_PROFILE", project.Resource.Profiles.Name!);
            foreach (var (key, value) in profile.EnvironmentVariables)
                context.EnvironmentVariables.TryAdd(key, Environment.ExpandEnvironmentVariables(value));
        });
    }

    private static void SetUrls(ProjectResource project, Dictionary<string, object> variables)
    {
        var urls = new ReferenceExpressionBuilder();
        foreach (var endpoint in project.GetEndpoints())
        {
            if (endpoint.IsHttps)
            {
                // The redirection to HTTPS must name the proxy's port, not the process's own.
                variables.TryAdd("ASPNETCORE_HTTPS_PORT", endpoint.Property(EndpointProperty.Port));
            }

            urls.Append($"{(urls.IsEmpty ? string.Empty : ";")}{endpoint.Property(EndpointProperty.Scheme)}://{endpoint.EndpointAnnotation.TargetHost}:{endpoint.Property(EndpointProperty.TargetPort)}");
        }

        if (!urls.IsEmpty)
            variables.TryAdd("ASPNETCORE_URLS", urls.Build());
    }

    private static IResourceBuilder<ProjectResource> ForPublish(IResourceBuilder<ProjectResource> project)
    {
        EndpointAnnotation? defaultHttps = null;
        project.WithEnvironment(context =>
        {
            if (project.Resource.GetEndpoints().Any())
                context.EnvironmentVariables["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";

            foreach (var (variable, scheme) in new[] { ("HTTP_PORTS", "http"), ("HTTPS_PORTS", "https") })
            {
                // A container has no certificate: the https binding that every web project gets is the ingress's affair.
                var ports = new ReferenceExpressionBuilder();
                foreach (var endpoint in project.Resource.GetEndpoints().Where(e => e.Scheme == scheme && e.EndpointAnnotation != defaultHttps))
                    ports.Append($"{(ports.IsEmpty ? string.Empty : ";")}{endpoint.Property(EndpointProperty.TargetPort)}");

                if (!ports.IsEmpty)
                    context.EnvironmentVariables.TryAdd(variable, ports.Build());
            }
        });
        if (project.Resource.Profiles.Effective?.ApplicationUrl is not null)
        {
            project.WithEndpoint("http", e => e.UriScheme = "http");
            project.WithEndpoint("https", e => (defaultHttps = e).UriScheme = "https");
        }

        return project;
    }
}
