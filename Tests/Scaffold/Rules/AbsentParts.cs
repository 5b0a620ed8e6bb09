namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Of a part that was not chosen there is no file.</summary>
internal static class AbsentParts
{
    // What stands in for the part where others call it.
    private static readonly string[] s_standIns = ["AppHost/Dashboard.cs", "AppHost/Deployment.cs", "Tests/AppHost/DashboardTests.cs"];

    public static IEnumerable<string> Find(GeneratedProject project) =>
        project.Files.Where(
            file => !s_standIns.Contains(file, StringComparer.Ordinal) && !file.StartsWith("docs/", StringComparison.Ordinal))
            .Where(file => (!project.Choice.Web && IsOfWeb(file)) || (!project.Choice.Deploy && IsOfDeployment(file)))
            .Select(file => $"{file}: {project.Choice}, and yet it is there");

    private static bool IsOfWeb(string file) =>
        file.Split('/').Any(part => part is "Web" or "web")
            || file.Contains("Dashboard", StringComparison.Ordinal) || file.EndsWith("/web.yaml", StringComparison.Ordinal);

    private static bool IsOfDeployment(string file) =>
        file.Split('/').Any(part => part is "deploy" or "Deploy" or "Kubernetes" or "helm" or "azure.yaml")
            || file.Contains("aspirate", StringComparison.Ordinal);
}
