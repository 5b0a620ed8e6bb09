using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Scripts;

internal static class ScriptFiles
{
    public static string Directory { get; } = System.IO.Path.Combine(Repository.Root, "deploy", "scripts");

    public static string Path(string name) => System.IO.Path.Combine(Directory, name);
}
