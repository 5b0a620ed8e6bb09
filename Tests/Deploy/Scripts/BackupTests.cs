using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Deploy.Scripts;

/// <summary>Backup and restore with the real pg_dump, gpg and Postgres.</summary>
public sealed class BackupTests(Servers servers) : IAsyncLifetime
{
    private const string Recipient = "backup@example.com";
    private const string Marker = "a-value-that-must-not-be-readable";

    private readonly string _folder = Directory.CreateTempSubdirectory("b-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Dumps => Path.Combine(_folder, "dumps");

    public async ValueTask InitializeAsync()
    {
        foreach (var tool in (string[])["pg_dump", "pg_restore", "psql", "gpg"])
        {
            Assert.SkipUnless(Tool.Find(tool) is not null, $"{tool} is missing (Debian: apt-get install postgresql-client gnupg)");
        }

        var version = await Tool.RunAsync("pg_dump", ["--version"]);
        var client = int.Parse(version.Output.Split(' ')[2].Split('.')[0], System.Globalization.CultureInfo.InvariantCulture);
        await using var connection = await servers.Database.OpenConnectionAsync(Cancellation);
        Assert.SkipWhen(
            client < connection.PostgreSqlVersion.Major, $"pg_dump {client} can't dump Postgres {connection.PostgreSqlVersion.Major}");

        Directory.CreateDirectory(Dumps);
        KeyRing("gpg");
        var key = await Tool.RunAsync(
            "gpg", ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", Recipient, "rsa2048", "encr", "1d"],
            Environment([]));
        Assert.True(key.ExitCode == 0, key.All);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var ring in Directory.GetDirectories(_folder).Where(folder => folder != Dumps && Path.GetFileName(folder) != "mounted"))
        {
            await Tool.RunAsync("gpgconf", ["--kill", "all"], Environment([("GNUPGHOME", ring)]));
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Backup_can_be_restored_into_an_empty_database_and_into_no_other()
    {
        var source = await CreateDatabaseAsync("source");
        await ExecuteAsync(source,
            $"CREATE TABLE jobs (id int PRIMARY KEY, note text); INSERT INTO jobs SELECT i, '{Marker}' FROM generate_series(1, 1000) i");
        var target = await CreateDatabaseAsync("target");

        var backup = await RunAsync("backup.sh", [Dumps], source);

        Assert.True(backup.ExitCode == 0, backup.All);
        var dump = Assert.Single(Directory.GetFiles(Dumps, "*.gpg"));
        Assert.DoesNotContain(
            Marker, await File.ReadAllTextAsync(dump, System.Text.Encoding.Latin1, Cancellation), StringComparison.Ordinal);

        var restore = await RunAsync("restore.sh", [dump], target);
        Assert.True(restore.ExitCode == 0, restore.All);
        Assert.Contains("jobs 1000 rows", restore.Output, StringComparison.Ordinal);
        Assert.Equal(1000L, await ScalarAsync(target, $"SELECT count(*) FROM jobs WHERE note = '{Marker}'"));

        var again = await RunAsync("restore.sh", [dump], target);
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("the database has 1 tables", again.Errors, StringComparison.Ordinal);

        var verified = await RunAsync("verify-backup.sh", [Dumps], source);
        Assert.True(verified.ExitCode == 0, verified.All);
        Assert.Equal(0L, await ScalarAsync(source, "SELECT count(*) FROM pg_database WHERE datname LIKE 'inference_verify_%'"));
    }

    [Fact]
    public async Task Backup_needs_no_more_than_the_public_key_and_is_verified_by_the_private_one_on_a_server_of_its_own()
    {
        var source = await CreateDatabaseAsync("keys");
        await ExecuteAsync(source, "CREATE TABLE jobs AS SELECT i AS id FROM generate_series(1, 1000) i");
        var publicKey = await ExportAsync("public.asc", "--export");
        var privateKey = await ExportAsync("private.asc", "--pinentry-mode", "loopback", "--passphrase", "", "--export-secret-keys");

        var backup = await RunAsync("backup.sh", [Dumps], source, ("GNUPGHOME", KeyRing("backup")), ("BACKUP_RECIPIENT", publicKey));
        Assert.True(backup.ExitCode == 0, backup.All);

        (string, string)[] alone = [("GNUPGHOME", KeyRing("verify")), ("BACKUP_IDENTITY", privateKey), ("DATABASE_URL", "")];
        foreach (var script in new[] { ScriptFiles.Path("verify-backup.sh"), Path.Combine(Mounted(), "verify-backup.sh") })
        {
            var verified = await Tool.RunAsync("bash", [script, Dumps], Environment(alone));
            Assert.True(verified.ExitCode == 0, verified.All);
            Assert.Contains("jobs 1000 rows", verified.Output, StringComparison.Ordinal);
        }

        var without = await RunAsync("verify-backup.sh", [Dumps], source, ("GNUPGHOME", KeyRing("none")), ("DATABASE_URL", ""));
        Assert.NotEqual(0, without.ExitCode);
    }

    [Fact]
    public async Task Restore_refuses_a_file_that_was_changed()
    {
        var database = await CreateDatabaseAsync("changed");
        await RunAsync("backup.sh", [Dumps], database);
        var dump = Directory.GetFiles(Dumps, "*.gpg").Single();
        await using (var file = File.Open(dump, FileMode.Open))
        {
            file.Seek(-20, SeekOrigin.End);
            var other = (byte)~file.ReadByte();
            file.Seek(-20, SeekOrigin.End);
            file.WriteByte(other);
        }

        var restore = await RunAsync("restore.sh", [dump], await CreateDatabaseAsync("untouched"));

        Assert.Equal(1, restore.ExitCode);
        Assert.Contains("checksum differs", restore.Errors, StringComparison.Ordinal);
    }

    /// <summary>gpg hands text out before it knows that it is the text that was encrypted.</summary>
    [Fact]
    public async Task Restore_of_a_file_that_was_changed_leaves_the_database_empty_without_its_checksum_too()
    {
        var database = await CreateDatabaseAsync("tail");
        await ExecuteAsync(database, "CREATE TABLE jobs AS SELECT i AS id FROM generate_series(1, 1000) i");
        await RunAsync("backup.sh", [Dumps], database);
        var dump = Directory.GetFiles(Dumps, "*.gpg").Single();
        var bytes = await File.ReadAllBytesAsync(dump, Cancellation);
        bytes[^10] ^= 0xff;
        await File.WriteAllBytesAsync(dump, bytes, Cancellation);
        File.Delete(dump + ".sha256");
        var target = await CreateDatabaseAsync("spared");

        var restore = await RunAsync("restore.sh", [dump], target);

        Assert.Equal(1, restore.ExitCode);
        Assert.Contains("or was changed", restore.Errors, StringComparison.Ordinal);
        Assert.Equal(0L, await ScalarAsync(target, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
    }

    [Fact]
    public async Task Dump_is_there_with_its_checksum_or_not_at_all()
    {
        var programs = KeyRing("programs");
        foreach (var name in new[] { "sha256sum", "shasum" })
        {
            await File.WriteAllTextAsync(Path.Combine(programs, name), "#!/bin/sh\nexit 1\n", Cancellation);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(Path.Combine(programs, name), UnixFileMode.UserRead | UnixFileMode.UserExecute);
            }
        }

        var backup = await RunAsync("backup.sh", [Dumps], await CreateDatabaseAsync("sums"),
            ("PATH", $"{programs}:{System.Environment.GetEnvironmentVariable("PATH")}"));

        Assert.NotEqual(0, backup.ExitCode);
        Assert.Empty(Directory.GetFiles(Dumps));
    }

    [Fact]
    public async Task Backup_removes_what_is_older_than_its_days_and_nothing_else()
    {
        var old = Path.Combine(Dumps, "inference-20250101T000000Z.dump.gpg");
        var young = Path.Combine(Dumps, "inference-20250201T000000Z.dump.gpg");
        var other = Path.Combine(Dumps, "letter.txt");
        foreach (var (file, days) in new[] { (old, 31), (young, 29), (other, 400) })
        {
            await File.WriteAllTextAsync(file, "x", Cancellation);
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-days));
        }

        var backup = await RunAsync("backup.sh", [Dumps], await CreateDatabaseAsync("retention"));

        Assert.True(backup.ExitCode == 0, backup.All);
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(young));
        Assert.True(File.Exists(other));
    }

    [Fact]
    public async Task Backup_that_fails_leaves_no_file()
    {
        var backup = await RunAsync("backup.sh", [Dumps], "no-such-database");

        Assert.NotEqual(0, backup.ExitCode);
        Assert.Empty(Directory.GetFiles(Dumps));
    }

    [Fact]
    public async Task Backup_without_encryption_is_refused()
    {
        var backup = await RunAsync("backup.sh", [Dumps], "postgres", ("BACKUP_RECIPIENT", ""));

        Assert.NotEqual(0, backup.ExitCode);
        Assert.Contains("never written without encryption", backup.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Dumps));
    }

    [Fact]
    public async Task Verification_fails_when_backups_have_stopped()
    {
        var database = await CreateDatabaseAsync("stopped");
        await RunAsync("backup.sh", [Dumps], database);
        File.SetLastWriteTimeUtc(Directory.GetFiles(Dumps, "*.gpg").Single(), DateTime.UtcNow.AddHours(-30));

        var verified = await RunAsync("verify-backup.sh", [Dumps], database);

        Assert.Equal(1, verified.ExitCode);
        Assert.Contains("backups have stopped", verified.Errors, StringComparison.Ordinal);
    }

    private Task<ToolResult> RunAsync(string script, string[] arguments, string database, params (string, string)[] environment) =>
        Tool.RunAsync("bash", [ScriptFiles.Path(script), .. arguments], Environment([("DATABASE_URL", Url(database)), .. environment]));

    private Dictionary<string, string?> Environment((string Name, string Value)[] more)
    {
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["GNUPGHOME"] = Path.Combine(_folder, "gpg"),
            ["BACKUP_TOOL"] = "gpg",
            ["BACKUP_RECIPIENT"] = Recipient,
            ["PGPASSWORD"] = new NpgsqlConnectionStringBuilder(servers.ConnectionString).Password,
        };
        foreach (var (name, value) in more)
        {
            variables[name] = value;
        }

        return variables;
    }

    /// <summary>The chart's scripts as a ConfigMap is mounted: files that nobody may execute.</summary>
    private string Mounted()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "mounted")).FullName;
        foreach (var script in Directory.GetFiles(Path.Combine(Charts.Folder, "scripts")))
        {
            var copy = Path.Combine(folder, Path.GetFileName(script));
            File.Copy(script, copy);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(
                    copy, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            }
        }

        return folder;
    }

    private string KeyRing(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return folder;
    }

    private async Task<string> ExportAsync(string name, params string[] arguments)
    {
        var file = Path.Combine(_folder, name);
        var exported = await Tool.RunAsync("gpg", ["--batch", "--armor", "--output", file, .. arguments, Recipient], Environment([]));
        Assert.True(exported.ExitCode == 0, exported.All);
        return file;
    }

    private string Url(string database)
    {
        var connection = new NpgsqlConnectionStringBuilder(servers.ConnectionString);
        return $"postgresql://{connection.Username}@{connection.Host}:{connection.Port}/{database}";
    }

    private async Task<string> CreateDatabaseAsync(string name)
    {
        var unique = $"{name}_{Guid.NewGuid():N}"[..24];
        await using var command = servers.Database.CreateCommand($"CREATE DATABASE {unique}");
        await command.ExecuteNonQueryAsync(Cancellation);
        return unique;
    }

    private async Task ExecuteAsync(string database, string sql)
    {
        await using var source = Open(database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private async Task<object?> ScalarAsync(string database, string sql)
    {
        await using var source = Open(database);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }

    private NpgsqlDataSource Open(string database) =>
        NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(servers.ConnectionString) { Database = database, Pooling = false });
}
