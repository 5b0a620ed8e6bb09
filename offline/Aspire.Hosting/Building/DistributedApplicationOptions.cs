using System.Reflection;

namespace Aspire.Hosting;

/// <summary>How an application is built.</summary>
public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }
    public string? AssemblyName { get; set; }

    public string? ProjectDirectory
    {
        get => field ?? Metadata("apphostprojectpath");
        set;
    }

    public bool DisableDashboard { get; set; }

    internal string? ProjectName
    {
        get => field ?? Metadata("apphostprojectname");
        set;
    }

    internal Assembly? Assembly => AssemblyName is { } name ? Assembly.Load(name) : Assembly.GetEntryAssembly();

    private string? Metadata(string key) => Assembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(a => string.Equals(a.Key, key, StringComparison.OrdinalIgnoreCase))?.Value;
}
