using System.Reflection;

namespace Aspire.Hosting.Running;

/// <summary>The AppHost's own project: where it is, and the assembly that knows where its services were built to.</summary>
internal sealed record AppHost(string Directory, Assembly? Assembly)
{
    /// <summary>The file that was built from a project in the configuration of this AppHost.</summary>
    public string OutputOf(string resourceName, string projectPath)
    {
        var key = "output:" + Path.GetFullPath(projectPath);
        var output = Assembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == key)?.Value;
        return File.Exists(output)
            ? output
            : throw new DistributedApplicationException(
                $"The project of resource '{resourceName}', {projectPath}, is not built{(output is null ? " with this AppHost: add a ProjectReference to it" : $": {output} is missing")}. Build the AppHost, which builds its services too.");
    }
}
