using System.Text.Json.Nodes;
using HandlebarsDotNet;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>
/// What <c>aspirate generate</c> 9.1.0 writes for a manifest, by the rules of its processors and with the templates that are checked in.
/// The tool itself builds the projects first, which needs containers.
/// </summary>
/// <param name="disableSecrets">
/// Its switch --disable-secrets: all variables are plain ones. Without it those it takes for secrets go to a state file, from which only
/// <c>aspirate apply</c> writes the <c>.NAME.secrets</c> that kustomize looks for.
/// </param>
internal sealed class Generation(JsonObject manifest, string folder, bool disableSecrets, string templates)
{
    private const string DashboardImage = "mcr.microsoft.com/dotnet/aspire-dashboard:9.0";

    // ProtectorType.List: all that it takes for a secret.
    private static readonly string[] s_secrets = ["ConnectionString", "POSTGRES_PASSWORD", "MSSQL_SA_PASSWORD"];

    private readonly JsonObject _resources = manifest["resources"]!.AsObject();

    private IEnumerable<string> Written =>
        _resources.Where(resource => resource.Value.Text("type") is "project.v0" or "container.v0").Select(resource => resource.Key);

    /// <param name="dashboard">Its switch --include-dashboard.</param>
    public void Write(string space, bool dashboard = false)
    {
        foreach (var name in Written) WriteResource(name, dashboard);

        // FinalProcessor
        Write("namespace", "", new TemplateData { Namespace = space });
        List<string> manifests = [.. Written, "namespace.yaml"];
        if (dashboard)
        {
            Write("dashboard", "", new TemplateData { Namespace = space, ContainerImage = DashboardImage });
            manifests.Add("dashboard.yaml");
        }

        Write("kustomization", "", new TemplateData { Namespace = space, Manifests = manifests });
    }

    private void WriteResource(string name, bool dashboard)
    {
        var resource = _resources[name]!;
        var volumes = resource.Items("volumes")
            .Select(volume => new TemplateVolume(VolumeName(volume), volume.Text("target"), volume.IsTrue("readOnly"))).ToList();
        var workload = volumes.Count > 0 ? "statefulset" : "deployment"; // ContainerProcessorBase, ProjectProcessor
        var variables = Variables(name, dashboard);
        var data = new TemplateData
        {
            Name = name,
            IsProject = resource.Text("type") == "project.v0",
            ContainerImage = resource.Text("image") is { Length: > 0 } image ? image : $"registry.example.com/{name}:1.0.0",
            Entrypoint = resource.Text("entrypoint") is { Length: > 0 } entrypoint ? entrypoint : null,
            Args = [.. resource.Items("args").Select(argument => argument.ToString())],
            Annotations = resource.Entries("annotations").ToDictionary(),
            Volumes = volumes,
            Ports = [.. resource.At("bindings")?.AsObject().Select(binding => Port(binding.Key, binding.Value)) ?? []],
            Env = variables.Where(variable => disableSecrets || !IsSecret(variable.Key)).ToDictionary(), // BaseResourceProcessor
            Secrets = variables.Where(variable => IsSecret(variable.Key)).ToDictionary(),
            SecretsDisabled = disableSecrets,
            Manifests = [$"{workload}.yaml", "service.yaml"],
        };
        foreach (var template in new[] { workload, "service", "kustomization" }) Write(template, name, data);
    }

    /// <summary>What <c>aspirate apply</c> adds for as long as kustomize runs, and <c>generate</c> does not (KustomizeService).</summary>
    public void WriteSecretFiles()
    {
        foreach (var name in Written)
        {
            var secrets = Variables(name, dashboard: false).Where(variable => IsSecret(variable.Key)).ToList();
            if (secrets.Count == 0) continue;
            File.WriteAllLines(Path.Combine(folder, name, $".{name}.secrets"), secrets.Select(secret => $"{secret.Key}={secret.Value}"));
        }
    }

    private static bool IsSecret(string variable) => s_secrets.Any(start => variable.StartsWith(start, StringComparison.Ordinal));

    // ResourceExtensions.MapResourceToEnvVars
    private Dictionary<string, string> Variables(string name, bool dashboard)
    {
        var values = new ManifestValues(_resources);
        var variables = _resources[name].Entries("env")
            .ToDictionary(variable => variable.Key, variable => values.Resolve(variable.Value), StringComparer.Ordinal);
        if (dashboard)
        {
            variables.TryAdd("OTEL_EXPORTER_OTLP_ENDPOINT", "http://aspire-dashboard:18889");
            variables.TryAdd("OTEL_SERVICE_NAME", name);
        }

        return variables.Where(variable => variable.Value.Length > 0).ToDictionary();
    }

    private static TemplatePort Port(string name, JsonNode? binding) =>
        new(name, ManifestValues.TargetPort(name, binding), (int)(binding.Number("port") ?? 0));

    // ResourceExtensions.KuberizeVolumeNames
    private static string VolumeName(JsonNode volume) =>
        volume.Text("name").Replace('/', '-').Replace('.', '-').Replace("--", "-", StringComparison.Ordinal).ToLowerInvariant();

    // ManifestWriter: no helpers, no settings.
    private void Write(string template, string resource, TemplateData data)
    {
        var render = Handlebars.Compile(File.ReadAllText(Path.Combine(templates, $"{template}.hbs")));
        var target = Directory.CreateDirectory(Path.Combine(folder, resource)).FullName;
        File.WriteAllText(Path.Combine(target, $"{template}.yaml"), render(data));
    }
}
