using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>A copy of what git has of this tree, with what work leaves behind in it: none of that may reach a project.</summary>
internal static class SourceTree
{
    public static IReadOnlyList<string> Litter { get; } =
    [
        ".env", ".DS_Store", "server.key", "Api/tls.pem", "Api/signing.pfx", "id_rsa", "core.1234", "run.log", "Api/nohup.out",
        "Api/Api.csproj.user", ".data/postgres/PG_VERSION", ".data/keys/pepper.txt", ".vs/state.json", ".idea/workspace.json",
        "Api/bin/Debug/net10.0/Api.dll", "Api/bin/Debug/net10.0/appsettings.json", "Api/obj/project.assets.json", "Worker/Bin/a.json",
        "Worker/Obj/a.json", "node_modules/left-pad/index.js", "Tests/Deploy/node_modules/x/package.json",
        "Tests/Api/TestResults/run.trx", "Tests/Unit/TestResults/coverage.json", "coverage/index.html", "artifacts/report.json",
        "aspirate-output/platform.yaml", "AppHost/appsettings.local.json", "AppHost/usersecrets.json", "secrets.yaml", "images.yaml",
        "backup.dump.gpg", "Inference.zip", "vision.nupkg", "Api/Program.cs.orig", "Api/.Program.cs.swp", ".git/config",
    ];

    public static async Task CopyAsync(string folder, CancellationToken cancellation)
    {
        var listed = await Commands.RunAsync(
            "git", ["-c", "core.quotepath=off", "ls-files", "--cached", "--others", "--exclude-standard"], Repository.Root, cancellation);
        var files = listed.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (var file in files.Where(file => File.Exists(Path.Combine(Repository.Root, file))))
        {
            var to = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(Path.Combine(Repository.Root, file), to);
        }

        foreach (var file in Litter)
        {
            var to = Path.Combine(folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            await File.WriteAllTextAsync(to, "litter", cancellation);
        }
    }
}
