using System.Globalization;
using InferenceTemplate.AppHost.Kubernetes.Environments;

namespace InferenceTemplate.AppHost.Kubernetes;

internal static class ModelFiles
{
    /// <summary>
    /// Tells a worker how much of its pod it may use: of the disk three quarters for the files of models, the rest for one that is
    /// being inspected; of the memory half for an inspection, which shares it with the models that are open.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithModelFiles(
        this IResourceBuilder<ProjectResource> builder, DeployEnvironment environment) => builder
        .WithEnvironment("Worker__CacheBytes", Bytes(((long)environment.WorkerScratchGibibytes << 30) / 4 * 3))
        .WithEnvironment("Inspection__MemoryBytes", Bytes(((long)environment.Worker.Mebibytes << 20) / 2));

    private static string Bytes(long bytes) => bytes.ToString(CultureInfo.InvariantCulture);
}
