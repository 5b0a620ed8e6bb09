namespace InferenceTemplate.Client;

/// <summary>Paths of models, below the client's base address.</summary>
internal static class ModelPath
{
    /// <param name="root"><c>v2</c>, or <c>v1</c> for the registry.</param>
    /// <param name="version">Null for the model itself.</param>
    /// <exception cref="ArgumentException">The model or the version is no name.</exception>
    public static string Of(string root, string model, string? version = null) =>
        $"{root}/models/{Name(model, nameof(model))}{(version is null ? "" : $"/versions/{Name(version, nameof(version))}")}";

    /// <summary>A name as part of an address.</summary>
    public static string Name(string value, string parameter)
    {
        ArgumentException.ThrowIfNullOrEmpty(value, parameter);

        // An address with these is another one.
        return value is "." or ".." ? throw new ArgumentException($"'{value}' is not a name", parameter) : Uri.EscapeDataString(value);
    }
}
