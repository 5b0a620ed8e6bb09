namespace InferenceTemplate.Tests.Deploy.Scripts;

/// <summary>The recovery drill with a real Postgres, which it kills.</summary>
public sealed class DrillTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("drill-");

    [Fact]
    public async Task Drill_loses_only_what_came_after_the_backup_and_says_how_long_it_took()
    {
        var report = await RunAsync(0, ("DRILL_ROWS", "500"));

        Assert.Contains("Result: passed", report, StringComparison.Ordinal);
        Assert.Contains("| rows in the backup | 500, back: 500 |", report, StringComparison.Ordinal);
        Assert.Contains("| rows accepted after it, and lost | 1000 |", report, StringComparison.Ordinal);
        Assert.Matches(@"RPO: [^|]+\| (?!0\.0 )\d+\.\d s of 3600 s", report);
        Assert.Matches(@"RTO: [^|]+\| (?!0\.0 )\d+\.\d s of 3600 s", report);
    }

    [Fact]
    public async Task Drill_fails_when_it_took_longer_than_is_allowed() => Assert.Contains(
        "Result: failed: more was lost, or it took longer", await RunAsync(1, ("DRILL_ROWS", "10"), ("DRILL_RTO", "0")),
        StringComparison.Ordinal);

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<string> RunAsync(int exitCode, params (string Name, string Value)[] environment)
    {
        foreach (var tool in (string[])["pg_dump", "psql", "gpg"])
        {
            Assert.SkipUnless(Tool.Find(tool) is not null, $"{tool} is missing (Debian: apt-get install postgresql gnupg)");
        }

        var report = Path.Combine(_folder.FullName, "report.md");
        var result = await Tool.RunAsync(
            "bash", [ScriptFiles.Path("drill.sh"), report],
            environment.ToDictionary(each => each.Name, each => (string?)each.Value, StringComparer.Ordinal));
        Assert.True(result.ExitCode == exitCode, result.All);
        return await File.ReadAllTextAsync(report, TestContext.Current.CancellationToken);
    }
}
