using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;

namespace InferenceTemplate.Tests.Deploy.Scripts;

/// <summary>The Job that restore-job.sh makes of the chart's own CronJob.</summary>
public sealed class RestoreJobTests(Charts charts)
{
    private const string Dump = "inference-20260131T011700Z.dump.gpg";

    [Theory]
    [InlineData("", "postgresql://postgres@postgres-service:5432/restored")]
    [InlineData("tls=true",
        "postgresql://postgres@postgres-service:5432/restored?sslmode=verify-full&sslrootcert=/authorities/postgres/ca.crt")]
    [InlineData("database=cloudnativepg secretSource=external",
        "postgresql://inference@postgres-rw:5432/restored?sslmode=verify-full&sslrootcert=/authorities/postgres/ca.crt")]
    public async Task Job_restores_the_dump_that_is_named_beside_the_database(string values, string address)
    {
        var objects = await charts.OfAsync($"production backups.enabled=true backups.recipient=key {values}");
        var job = await JobAsync(objects, Dump);

        var container = job.Json.Items("spec", "template", "spec", "containers").Single();
        var mounts = container.Items("volumeMounts").Select(mount => mount.Text("mountPath")).ToList();
        Assert.Superset(new HashSet<string>(["/scripts", "/backups", "/identity"]), mounts.ToHashSet());
        Assert.Equal("/identity/identity.asc", container.Items("env").Single(each => each.Text("name") == "BACKUP_IDENTITY").Text("value"));
        // What the pod runs, with a script that tells how it was called in the place of restore.sh.
        string[] command = [.. container.Items("command").Select(word =>
            word.ToString().Replace("bash /scripts/restore.sh", "echo \"$DATABASE_URL\"", StringComparison.Ordinal))];
        var run = await Tool.RunAsync(command[0], command[1..], new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["DATABASE_URL"] = objects.Entry("backup-config", "DATABASE_URL"),
        });
        Assert.Equal($"{address} /backups/{Dump}", run.All.Trim());
        if (SchemaValidator.Find() is { } schemas)
        {
            Assert.Empty(schemas.Errors(job));
        }
    }

    [Fact]
    public async Task Dumps_are_listed_without_a_key()
    {
        var job = await JobAsync(await charts.OfAsync("production backups.enabled=true backups.recipient=key"), "list");

        Assert.DoesNotContain("backup-identity", job.Json.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(["ls", "-l", "/backups"],
            job.Json.Items("spec", "template", "spec", "containers").Single().Items("command").Select(word => word.ToString()));
    }

    [Theory]
    [InlineData("../../etc/passwd", "is no name of a dump")]
    [InlineData("inference-20260101.dump.age", "is no name of a dump")]
    [InlineData(Dump, "is no name of a database", "restored; DROP DATABASE inference")]
    public async Task What_is_no_dump_or_database_is_refused(string dump, string message, params string[] database)
    {
        var result = await Tool.RunAsync("bash", [ScriptFiles.Path("restore-job.sh"), dump, .. database]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
    }

    private static async Task<KubernetesObject> JobAsync(RenderedObjects objects, string dump)
    {
        Assert.SkipUnless(Tool.Find("jq") is not null, "jq is missing (Debian: apt-get install jq)");
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, objects.Find("CronJob", "backup")!.Json.ToJsonString(), TestContext.Current.CancellationToken);

        var result = await Tool.RunAsync("bash", ["-c", $"bash '{ScriptFiles.Path("restore-job.sh")}' {dump} <'{file}'"]);

        Assert.True(result.ExitCode == 0, result.All);
        File.Delete(file);
        return new KubernetesObject(JsonNode.Parse(result.Output)!.AsObject());
    }
}
