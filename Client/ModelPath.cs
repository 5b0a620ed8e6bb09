namespace InferenceTemplate.Client;

/// <summary>Paths of models, below the client's base address.</summary>
internal static class ModelPath
{
    /// <param name="root"><c>v2</c>, or <c>v1</c> for the registry.</param>
    /// <param name="version">Null for the model itself.</param>
    public static string Of(string root, string model, string? version = null) =>
        $"{root}/models/{Uri.EscapeDataString(model)}{(version is null ? "" : $"/versions/{Uri.EscapeDataString(version)}")}";
}
