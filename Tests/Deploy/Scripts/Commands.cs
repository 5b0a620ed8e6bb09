namespace InferenceTemplate.Tests.Deploy.Scripts;

/// <summary>
/// Programs that stand in for those of a cluster, which is not here: each writes down how it was called and answers as the
/// test says. The script under test is the real one.
/// </summary>
internal sealed class Commands : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("deploy-commands-");

    /// <param name="name">Such as <c>kubectl</c>.</param>
    /// <param name="body">Bash, which sees the arguments; empty for silence and success.</param>
    public Commands With(string name, string body = "")
    {
        var path = Path.Combine(_directory.FullName, name);
        File.WriteAllText(path, $"""
            #!/usr/bin/env bash
            printf '%s %s\n' '{name}' "$*" >> '{Log}'
            {body}
            """);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return this;
    }

    /// <summary>The calls so far, a line each.</summary>
    public string[] Calls => File.Exists(Log) ? File.ReadAllLines(Log) : [];

    /// <summary>Where they are, for a PATH.</summary>
    public string Folder => _directory.FullName;

    private string Log => Path.Combine(_directory.FullName, "calls.log");

    /// <summary>Runs a script of deploy/scripts with these programs before those of the machine.</summary>
    public Task<ToolResult> RunAsync(string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        var variables = environment.ToDictionary(e => e.Name, e => (string?)e.Value, StringComparer.Ordinal);
        variables["PATH"] = $"{_directory.FullName}:{Environment.GetEnvironmentVariable("PATH")}";
        return Tool.RunAsync("bash", [ScriptFiles.Path(script), .. arguments], variables);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
