namespace InferenceTemplate.Tests.Shared;

/// <summary>The folder that the tests were built from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>Whether the project has the dashboard: a template option leaves it out.</summary>
    public static bool HasDashboard { get; } = Directory.Exists(Path.Combine(Root, "Web"));

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "global.json")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException("The tests do not run beneath their repository.");
        }

        return folder.FullName;
    }
}
