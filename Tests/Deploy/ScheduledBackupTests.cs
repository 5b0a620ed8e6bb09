using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>The chart's backups: when they run, with what, and who knows which key.</summary>
public sealed class ScheduledBackupTests(Charts charts)
{
    private const string Backups = "backups.enabled=true backups.recipient=key";

    [Fact]
    public async Task Dump_is_written_each_night_and_restored_on_trial_each_week_by_the_scripts_of_the_tree()
    {
        var objects = await charts.OfAsync($"production {Backups} backups.days=14");
        var (backup, verification) = (objects.Find("CronJob", "backup")!, objects.Find("CronJob", "backup-verification")!);

        Assert.Equal(("17 1 * * *", "41 4 * * 0"), (backup.Spec.Text("schedule"), verification.Spec.Text("schedule")));
        Assert.All(new[] { backup, verification }, job => Assert.Equal("Forbid", job.Spec.Text("concurrencyPolicy")));
        Assert.Equal(["bash", "/scripts/backup.sh", "/backups"], Command(objects, "backup"));
        Assert.Equal(["bash", "/scripts/verify-backup.sh", "/backups"], Command(objects, "verification"));
        Assert.Equal("14", objects.Entry("backup-config", "BACKUP_DAYS"));
        Assert.Equal("400Gi", objects.Find("PersistentVolumeClaim", "backup-data")!.Spec.Text("resources", "requests", "storage"));
        foreach (var (name, text) in objects.Find("ConfigMap", "backup-scripts")!.Json.Entries("data"))
        {
            Assert.Equal(await File.ReadAllTextAsync(ScriptFiles.Path(name), TestContext.Current.CancellationToken), text);
        }
    }

    /// <summary>What they source and call is there too.</summary>
    [Fact]
    public async Task Scripts_are_whole()
    {
        var scripts = (await charts.OfAsync($"production {Backups}")).Find("ConfigMap", "backup-scripts")!.Json.Entries("data");

        Assert.All(scripts.Values.SelectMany(text => text.Split('\n')).Where(line => line.Contains("$here/", StringComparison.Ordinal)),
            line => Assert.Contains(line.Split("$here/")[1].Split('"')[0], scripts.Keys));
    }

    [Theory]
    [InlineData("", "postgresql://postgres@postgres-service:5432/inference")]
    [InlineData("tls=true",
        "postgresql://postgres@postgres-service:5432/inference?sslmode=verify-full&sslrootcert=/authorities/postgres/ca.crt")]
    [InlineData("database=cloudnativepg",
        "postgresql://inference@postgres-rw:5432/inference?sslmode=verify-full&sslrootcert=/authorities/postgres/ca.crt")]
    public async Task Backup_has_the_public_key_and_the_database_and_the_verification_the_private_key_alone(string values, string address)
    {
        var objects = await charts.OfAsync($"production {Backups} {values}");
        string Mounted(string container) => string.Join(' ', objects.PodsOf(container).Spec.Items("volumes").Select(volume =>
            volume.Text("secret", "secretName") + volume.Text("configMap", "name")).Where(name => name.Length > 0).Order(StringComparer.Ordinal));

        Assert.Equal(address, objects.Entry("backup-config", "DATABASE_URL"));
        Assert.Contains("backup-recipient", Mounted("backup"), StringComparison.Ordinal);
        Assert.DoesNotContain("identity", Mounted("backup"), StringComparison.Ordinal);
        Assert.Equal("backup-identity backup-scripts", Mounted("verification"));
        Assert.Empty(objects.Container("verification").Items("envFrom"));
    }

    [Theory]
    [InlineData("production")]
    [InlineData($"production {Backups} database=managed")]
    public async Task There_are_none_where_they_are_off_or_others_manage_the_database(string wanted) =>
        Assert.Empty((await charts.OfAsync(wanted)).OfKind("CronJob"));

    [Fact]
    public async Task Verification_may_be_left_out() => Assert.Equal(
        ["backup"], (await charts.OfAsync($"production {Backups} backups.verification=")).OfKind("CronJob").Select(job => job.Name));

    [Fact]
    public async Task Backups_without_a_key_are_refused()
    {
        var said = await Assert.ThrowsAsync<InvalidOperationException>(() => charts.OfAsync("production backups.enabled=true"));

        Assert.Contains("backups.recipient is not set", said.Message, StringComparison.Ordinal);
    }

    private static string[] Command(RenderedObjects objects, string container) =>
        [.. objects.Container(container).Items("command").Select(word => word.ToString())];
}
