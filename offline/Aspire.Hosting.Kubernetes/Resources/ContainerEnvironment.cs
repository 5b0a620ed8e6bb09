namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>An object whose every entry is a variable.</summary>
public sealed class EnvFromSourceV1
{
    public ConfigMapEnvSourceV1? ConfigMapRef { get; set; }
    public SecretEnvSourceV1? SecretRef { get; set; }
    public string? Prefix { get; set; }
}

/// <summary>The name of a ConfigMap.</summary>
public sealed class ConfigMapEnvSourceV1
{
    public string Name { get; set; } = null!;
    public bool? Optional { get; set; }
}

/// <summary>The name of a Secret.</summary>
public sealed class SecretEnvSourceV1
{
    public string Name { get; set; } = null!;
    public bool? Optional { get; set; }
}

/// <summary>One variable.</summary>
public sealed class EnvVarV1
{
    public string Name { get; set; } = null!;
    public string Value { get; set; } = null!;
    public EnvVarSourceV1? ValueFrom { get; set; }
}

/// <summary>Where a variable's value comes from.</summary>
public sealed class EnvVarSourceV1
{
    public ConfigMapKeySelectorV1? ConfigMapKeyRef { get; set; }
    public ObjectFieldSelectorV1? FieldRef { get; set; }
    public SecretKeySelectorV1? SecretKeyRef { get; set; }
}

/// <summary>An entry of a ConfigMap.</summary>
public sealed class ConfigMapKeySelectorV1
{
    public string Name { get; set; } = null!;
    public bool? Optional { get; set; }
    public string Key { get; set; } = null!;
}

/// <summary>A field of the pod.</summary>
public sealed class ObjectFieldSelectorV1
{
    public string FieldPath { get; set; } = null!;
    public string ApiVersion { get; set; } = null!;
}

/// <summary>An entry of a Secret.</summary>
public sealed class SecretKeySelectorV1
{
    public string Name { get; set; } = null!;
    public bool? Optional { get; set; }
    public string Key { get; set; } = null!;
}
