namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>What a template sees of a resource: the members of aspirate's KubernetesDeploymentData, by the templates' names.</summary>
internal sealed record TemplateData
{
    public string? Name { get; init; }

    public string? Namespace { get; init; }

    public Dictionary<string, string> Env { get; init; } = [];

    public Dictionary<string, string> Secrets { get; init; } = [];

    public Dictionary<string, string> Annotations { get; init; } = [];

    public IReadOnlyList<TemplateVolume> Volumes { get; init; } = [];

    public IReadOnlyList<TemplatePort> Ports { get; init; } = [];

    public IReadOnlyList<string> Manifests { get; init; } = [];

    public IReadOnlyList<string> Args { get; init; } = [];

    public bool SecretsDisabled { get; init; }

    public bool IsProject { get; init; }

    public bool WithPrivateRegistry { get; init; }

    public string? ContainerImage { get; init; }

    public string? Entrypoint { get; init; }

    public string ImagePullPolicy { get; init; } = "IfNotPresent";

    public string ServiceType { get; init; } = "ClusterIP";

    public bool HasPorts => Ports.Count > 0;

    public bool HasVolumes => Volumes.Count > 0;

    public bool HasAnySecrets => Secrets.Count > 0 && !SecretsDisabled;

    public bool HasAnyAnnotations => Annotations.Count > 0;

    public bool HasArgs => Args.Count > 0;

    public bool HasAnyEnv => Env.Count > 0;

    public bool WithNamespace => !string.IsNullOrWhiteSpace(Namespace);
}

/// <param name="ExternalPort">0 where the manifest says none.</param>
internal sealed record TemplatePort(string Name, int InternalPort, int ExternalPort);

internal sealed record TemplateVolume(string Name, string Target, bool ReadOnly);
