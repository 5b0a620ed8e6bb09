using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Running;

/// <summary>Which launch profile a project starts with: the one named, else the AppHost's own if the project has it, else its first.</summary>
internal sealed class LaunchProfiles(ProjectResource project)
{
    public string? Name { get; private set; }

    public LaunchProfile? Effective { get; private set; }

    public static LaunchSettings? Read(string? projectDirectory)
    {
        var path = Path.Combine(projectDirectory ?? string.Empty, "Properties", "launchSettings.json");
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<LaunchSettings>(File.ReadAllText(path), LaunchSettings.Json) : null;
        }
        catch (JsonException e)
        {
            throw new DistributedApplicationException($"{path} is not valid: {e.Message}", e);
        }
    }

    public void Select(IConfiguration configuration)
    {
        if (project.Annotations.OfType<ExcludeLaunchProfileAnnotation>().Any()) return;

        var metadata = project.GetProjectMetadata();
        if (metadata.LaunchSettings is null && !File.Exists(metadata.ProjectPath))
            throw new DistributedApplicationException($"The project file of resource '{project.Name}', {metadata.ProjectPath}, was not found.");

        var profiles = (metadata.LaunchSettings ?? Read(Path.GetDirectoryName(metadata.ProjectPath)))?.Profiles ?? [];
        var wanted = project.Annotations.OfType<LaunchProfileAnnotation>().LastOrDefault()?.LaunchProfileName;
        if (wanted is not null && !profiles.ContainsKey(wanted))
            throw new DistributedApplicationException($"The launch settings of project '{project.Name}' have no profile named '{wanted}'.");

        wanted ??= configuration["AppHost:DefaultLaunchProfileName"] ?? configuration["DOTNET_LAUNCH_PROFILE"];
        Name = wanted is not null && profiles.ContainsKey(wanted)
            ? wanted
            : profiles.FirstOrDefault(p => p.Value.CommandName is null or "Project").Key;
        Effective = Name is null ? null : profiles[Name];
    }
}
