using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Where a project is.</summary>
public interface IProjectMetadata : IResourceAnnotation
{
    string ProjectPath { get; }
    LaunchSettings? LaunchSettings => null;
}

/// <summary>How a project starts.</summary>
public sealed class ProjectResourceOptions
{
    public string? LaunchProfileName { get; set; }
    public bool ExcludeLaunchProfile { get; set; }
}

/// <summary>The content of a launchSettings.json.</summary>
public sealed class LaunchSettings
{
    internal static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public Dictionary<string, LaunchProfile> Profiles { get; set; } = [];
}

/// <summary>One profile of a launchSettings.json.</summary>
public sealed class LaunchProfile
{
    public string? CommandName { get; set; }
    public string? CommandLineArgs { get; set; }
    public string? LaunchUrl { get; set; }
    public string? ApplicationUrl { get; set; }
    public Dictionary<string, string> EnvironmentVariables { get; set; } = [];
}
