using System.Reflection;

namespace InferenceTemplate.Core.Fleet;

/// <summary>Which build this process is: its version, and after a plus sign the commit that it was made of, where that is known.</summary>
public static class RunningBuild
{
    public static string? Version { get; } =
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
}
