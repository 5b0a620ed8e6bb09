using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Writes the model as a Helm chart: a folder of templates a resource, Chart.yaml, values.yaml.</summary>
internal sealed class ChartPublisher(KubernetesEnvironmentResource environment, PublishingStepContext step)
{
    private static readonly string[] Keywords = ["aspire", "kubernetes"];
    private readonly Dictionary<string, Dictionary<string, Dictionary<string, object>>> _values = new()
    {
        ["parameters"] = [],
        ["secrets"] = [],
        ["config"] = [],
    };

    public async Task PublishAsync()
    {
        await CheckParametersAsync();
        var model = new ChartModel(environment, step);
        if (environment is { DashboardEnabled: true, Dashboard: { } dashboard })
        {
            SendTelemetryTo(dashboard);
            await WriteResourceAsync(await model.EvaluateAsync(dashboard));
        }

        foreach (var resource in step.Model.Resources.Where(IsPublished).ToList())
        {
            await WriteResourceAsync(await model.EvaluateAsync(resource));
        }

        foreach (var ingress in step.Model.Resources.OfType<KubernetesIngressResource>().Where(i => i.Parent == environment))
        {
            if (IngressFactory.Create(ingress, model) is { } created)
            {
                await WriteTemplatesAsync(ingress.Name, [created]);
            }
        }

        await WriteAsync("Chart.yaml", ChartYaml.Serializer.Serialize(new
        {
            ApiVersion = "v2",
            Name = environment.ChartName,
            Version = environment.ChartVersion,
            KubeVersion = ">= 1.18.0-0",
            Description = environment.ChartDescription,
            Type = "application",
            Keywords,
            AppVersion = environment.ChartVersion,
            Deprecated = false,
        }));
        await WriteAsync("values.yaml", ChartYaml.Serializer.Serialize(_values));
        Console.WriteLine($"Published Helm chart to: {step.OutputPath}");
    }

    // The real publisher asks for a missing value, and waits for ever where nobody answers.
    private async Task CheckParametersAsync()
    {
        foreach (var parameter in step.Model.Resources.OfType<ParameterResource>().Where(p => p.Default is null))
        {
            try
            {
                await parameter.GetValueAsync(step.CancellationToken);
            }
            catch (MissingParameterValueException e)
            {
                throw new DistributedApplicationException(
                    $"The chart needs a value for the parameter '{parameter.Name}' (a secret's is not written): set Parameters__{HelmText.Key(parameter.Name)} in the environment.", e);
            }
        }
    }

    // Containers and projects; what runs as a local command has no image.
    private static bool IsPublished(IResource resource) => resource is ContainerResource or ProjectResource
        && !(resource.TryGetLastAnnotation<ManifestPublishingCallbackAnnotation>(out var manifest) && manifest.Callback is null);

    private void SendTelemetryTo(ContainerResource dashboard)
    {
        foreach (var project in step.Model.Resources.OfType<ProjectResource>())
        {
            project.Annotations.Add(new EnvironmentCallbackAnnotation(context =>
            {
                context.EnvironmentVariables["OTEL_EXPORTER_OTLP_ENDPOINT"] = dashboard.GetEndpoint("otlp-grpc");
                context.EnvironmentVariables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
                context.EnvironmentVariables["OTEL_SERVICE_NAME"] = project.Name;
                return Task.CompletedTask;
            }));
        }
    }

    private async Task WriteResourceAsync(PublishedResource published)
    {
        var objects = ObjectFactory.Create(published);
        foreach (var customization in published.Resource.Annotations.OfType<KubernetesServiceCustomizationAnnotation>())
        {
            customization.Configure(objects);
        }

        await WriteTemplatesAsync(published.Resource.Name, objects.Objects());
        foreach (var (section, values) in new[] { ("parameters", published.Parameters), ("config", published.Config), ("secrets", published.Secrets) })
        {
            if (values.Count == 0)
            {
                continue;
            }

            var written = _values[section][HelmText.Key(published.Resource.Name)] = [];
            foreach (var (key, value) in values)
            {
                written[value.Key ?? HelmText.Key(key)] = value switch
                {
                    { IsTemplate: true } => string.Empty,
                    { Parameter: { Secret: false, Default: not null } parameter } => await parameter.GetValueAsync(step.CancellationToken) ?? string.Empty,
                    { Parameter: not null } => string.Empty,
                    _ => value.Value ?? string.Empty,
                };
            }
        }
    }

    private async Task WriteTemplatesAsync(string resource, IEnumerable<BaseKubernetesResource> objects)
    {
        foreach (var written in objects)
        {
            var name = written.Metadata.Name ?? written.GetType().Name.ToLowerInvariant();
            var prefix = $"{resource.ToLowerInvariant()}-";
            var file = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
            await WriteAsync(Path.Combine("templates", resource, $"{file}.yaml"), $"---\n{ChartYaml.Serializer.Serialize(written)}");
        }
    }

    private async Task WriteAsync(string file, string text)
    {
        var path = Path.Combine(step.OutputPath, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text, step.CancellationToken);
    }
}
