using System.Diagnostics;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>What must be there: dotfiles, documents, and scripts that may be run.</summary>
internal static class Arrivals
{
    private static readonly string[] s_always =
    [
        ".gitignore", ".gitattributes", ".editorconfig", ".ci/run", ".github/workflows/checks.yml", ".github/workflows/nightly.yml",
        ".github/workflows/pull-request.yml", ".vscode/launch.json", "run", "test",
        "README.md", "LICENSE", "CONTRIBUTING.md", "SECURITY.md", "docs/api.md", "docs/architecture.md", "models/README.md",
        "models/digits/1/model.onnx", "Client/Client.csproj", "Client/README.md", "Directory.Packages.props", "global.json",
    ];

    private static readonly Lazy<IReadOnlySet<string>> s_scripts = new(Scripts);

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        var choice = project.Choice;
        string[] chosen =
        [
            .. s_always,
            .. choice.Web ? (string[])["Web/Web.csproj", "Tests/Web/Tests.Web.csproj", "aspire-manifest.json"] : [],
            .. choice.Deploy
                ? (string[])["deploy/cluster/namespace.yaml", "scripts/chart.sh", ".github/workflows/main.yml", "azure.yaml"]
                : [],
            .. choice is { Deploy: true, Web: true } ? (string[])["deploy/helm/Chart.yaml"] : [],
        ];
        foreach (var file in chosen.Where(file => !File.Exists(project.PathOf(file))))
        {
            yield return $"{file}: did not arrive";
        }

        if (OperatingSystem.IsWindows())
        {
            yield break;
        }

        foreach (var file in project.Files.Where(s_scripts.Value.Contains))
        {
            if (!File.GetUnixFileMode(project.PathOf(file)).HasFlag(UnixFileMode.UserExecute))
            {
                yield return $"{file}: is not executable (name it in the post-actions of .template.config/template.json)";
            }
        }
    }

    private static HashSet<string> Scripts()
    {
        using var git = Process.Start(new ProcessStartInfo(
            "git", ["-C", Repository.Root, "ls-files", "--stage"])
        { UseShellExecute = false, RedirectStandardOutput = true })!;
        return [.. git.StandardOutput.ReadToEnd()
            .Split('\n').Where(line => line.StartsWith("100755", StringComparison.Ordinal)).Select(line => line.Split('\t')[1])];
    }
}
