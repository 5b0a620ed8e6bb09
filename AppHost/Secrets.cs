namespace InferenceTemplate.AppHost;

internal static class Secrets
{
    /// <summary>
    /// A secret that is generated at the first run and kept (user secrets), that is asked for when publishing, and that
    /// <c>Parameters:{name}</c> in configuration overrides. Letters and digits only, so that it fits any connection string.
    /// </summary>
    public static IResourceBuilder<ParameterResource> AddSecret(this IDistributedApplicationBuilder builder, string name, int length) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = length, Special = false }, secret: true, persist: true);
}
