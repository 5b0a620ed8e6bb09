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
        "notes.txt", "todo.md", "credentials.json", "kubeconfig.yaml", "customers.csv", "dump.sql", "plan.html", "photo.png", "try.py",
        "try.sh", "scratch/Idea.cs", "Api/keys.txt", "Api/appsettings.Production.json", "AppHost/appsettings.Development.json",
        "Web/wwwroot/export.csv", "Worker/secret.md", "models/own/1/model.onnx", "models/own/model.json", "deploy/kubeconfig.yaml",
    ];

    /// <summary>What git has of this tree, or would have after the next <c>git add</c>.</summary>
    public static async Task<IReadOnlyList<string>> FilesAsync(CancellationToken cancellation)
    {
        var listed = await Commands.RunAsync(
            "git", ["-c", "core.quotepath=off", "ls-files", "--cached", "--others", "--exclude-standard"], Repository.Root, cancellation);
        return [.. listed.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(file => File.Exists(Path.Combine(Repository.Root, file)))];
    }

    public static async Task CopyAsync(string folder, CancellationToken cancellation)
    {
        foreach (var file in await FilesAsync(cancellation))
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
