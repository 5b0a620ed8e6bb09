using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>The command <c>backup</c> of the resource <c>inference</c>.</summary>
public sealed class BackupCommandTests(SharedPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Backup_writes_a_dump_that_only_the_recipient_reads()
    {
        var folder = Directory.CreateTempSubdirectory("inference-backup-").FullName;
        var keys = Directory.CreateTempSubdirectory("gpg-").FullName;
        var before = Environment.GetEnvironmentVariable("GNUPGHOME");
        Environment.SetEnvironmentVariable("GNUPGHOME", keys);
        try
        {
            await GpgAsync("--batch", "--passphrase", "", "--quick-generate-key", "backup@example.com", "rsa2048", "encrypt", "never");

            var result = await platform.CommandAsync("inference", "backup", ("recipient", "backup@example.com"), ("directory", folder));

            Assert.True(result.Success, $"{result.Message} {result.Data?.Value}");
            var dump = Assert.Single(Directory.GetFiles(folder, "inference-*.dump.gpg"));
            var plain = Path.Combine(folder, "plain");
            await GpgAsync("--batch", "--output", plain, "--decrypt", dump);
            await using var file = File.OpenRead(plain);
            var magic = new byte[5];
            await file.ReadExactlyAsync(magic, Cancellation);
            Assert.Equal("PGDMP"u8.ToArray(), magic);
        }
        finally
        {
            Environment.SetEnvironmentVariable("GNUPGHOME", before);
            Directory.Delete(folder, recursive: true);
            Directory.Delete(keys, recursive: true);
        }
    }

    [Fact]
    public void Backup_asks_for_no_confirmation_and_says_what_it_does()
    {
        var command = platform.Resource("inference").Annotations.OfType<ResourceCommandAnnotation>().Single(each => each.Name == "backup");

        Assert.Null(command.ConfirmationMessage);
        Assert.NotNull(command.IconName);
        Assert.NotNull(command.DisplayDescription);
    }

    private static async Task GpgAsync(params string[] arguments)
    {
        using var gpg = Process.Start(new ProcessStartInfo("gpg", arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        var error = await gpg.StandardError.ReadToEndAsync(Cancellation);
        await gpg.WaitForExitAsync(Cancellation);
        Assert.True(gpg.ExitCode == 0, error);
    }
}
