namespace InferenceTemplate.AppHost.Kubernetes.Objects;

/// <summary>A mapping of an object's specification, in the words of Kubernetes.</summary>
internal sealed class Map() : Dictionary<string, object>(StringComparer.Ordinal);
