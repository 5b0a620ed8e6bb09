using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds local commands.</summary>
public static class ExecutableResourceBuilderExtensions
{
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder, string name, string command, string workingDirectory, params string[]? args) =>
        builder.AddResource(new ExecutableResource(name, command, Path.GetFullPath(Path.Combine(builder.AppHostDirectory, workingDirectory))))
            .WithArgs(args ?? []);
}
