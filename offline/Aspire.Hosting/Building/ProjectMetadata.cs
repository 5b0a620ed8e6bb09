using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Where a project is.</summary>
public interface IProjectMetadata : IResourceAnnotation
{
    /// <summary>The path of its project file.</summary>
    string ProjectPath { get; }

    /// <summary>Its launch settings; null to read Properties/launchSettings.json.</summary>
    LaunchSettings? LaunchSettings => null;
}

/// <summary>How a project starts.</summary>
public sealed class ProjectResourceOptions
{
    /// <summary>The launch profile; null for the default one.</summary>
    public string? LaunchProfileName { get; set; }

    /// <summary>Whether to start without one.</summary>
    public bool ExcludeLaunchProfile { get; set; }
}

/// <summary>The content of a launchSettings.json.</summary>
public sealed class LaunchSettings
{
    internal static readonly JsonSerializerOptions Json =
        new(JsonSerializerDefaults.Web) { ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The profiles by name, in the order of the file.</summary>
    public Dictionary<string, LaunchProfile> Profiles { get; set; } = [];
}

/// <summary>One profile of a launchSettings.json.</summary>
public sealed class LaunchProfile
{
    /// <summary>What the profile starts; Project for a project.</summary>
    public string? CommandName { get; set; }

    /// <summary>Arguments, as one line.</summary>
    public string? CommandLineArgs { get; set; }

    /// <summary>The page to open.</summary>
    public string? LaunchUrl { get; set; }

    /// <summary>The addresses to listen on, separated by semicolons.</summary>
    public string? ApplicationUrl { get; set; }

    /// <summary>Environment variables.</summary>
    public Dictionary<string, string> EnvironmentVariables { get; set; } = [];
}
