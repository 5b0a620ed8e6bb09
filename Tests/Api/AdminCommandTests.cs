using System.Diagnostics;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class AdminCommandTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Dead_letters_can_be_seen_requeued_and_purged_from_a_shell()
    {
        using var queue = await ModelQueue.OpenAsync(platform);
        var ids = await queue.BuryAsync(3);

        var (listed, lines) = await RunAsync("dead-letters", "list", queue.Model, "1");
        var letters = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(0, listed);
        Assert.Equal(ids, letters.Select(l => l.GetProperty("request").GetProperty("id").GetGuid()));

        var (requeued, count) = await RunAsync("dead-letters", "requeue", queue.Model, "1", "--id", letters[0].GetProperty("id").GetString()!);
        Assert.Equal((0, """{"requeued":1}"""), (requeued, count.Trim()));
        Assert.Equal(ids[0], Assert.Single(await queue.Worker.ReadAsync(10)).Request.Id);

        var (purged, rest) = await RunAsync("dead-letters", "purge", queue.Model, "1");
        Assert.Equal((0, """{"purged":2}"""), (purged, rest.Trim()));

        var (unknown, nothing) = await RunAsync("dead-letters", "purge", queue.Model, "1", "--id", "1-1");
        Assert.Equal((1, ""), (unknown, nothing));

        // What a shell did is in the chain when the command ends.
        using var client = platform.Admin();
        using var response = await client.GetAsync($"/v1/audit?action=dead_letter.&subject={queue.Model}/1", Cancellation);
        var recorded = (await response.JsonAsync()).GetProperty("entries").EnumerateArray().ToList();
        Assert.Equal(["dead_letter.purged", "dead_letter.requeued"], recorded.Select(e => e.GetProperty("action").GetString()));
        Assert.All(recorded, e => Assert.Equal("admin command", e.GetProperty("actor").GetString()));
    }

    [Fact]
    public async Task Audit_chain_is_verified_from_a_shell()
    {
        var (told, head) = await RunAsync("audit", "head");
        var (code, output) = await RunAsync("audit", "verify", "--head", head.Trim());
        Assert.Equal((0, 0), (told, code));
        Assert.True(JsonDocument.Parse(output).RootElement.GetProperty("valid").GetBoolean());

        var (forged, fault) = await RunAsync("audit", "verify", "--head", $"99999999:{new string('a', 64)}");
        Assert.Equal(1, forged);
        Assert.Contains("the chain ends at", fault, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("audit", "verify", "--head", "nonsense")).ExitCode);
    }

    [Fact]
    public async Task Retention_is_tried_from_a_shell()
    {
        var (code, output) = await RunAsync("retention", "--dry-run");

        Assert.Equal(0, code);
        Assert.Equal(JsonValueKind.Array, JsonDocument.Parse(output).RootElement.GetProperty("rows").ValueKind);
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] verb)
    {
        // bin/{configuration}/{framework} are those of the tests.
        var parts = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        var api = Path.Combine(Repository.Root, "Api", "bin", parts[^2], parts[^1], "InferenceTemplate.Api.dll");
        var start = new ProcessStartInfo("dotnet", [api, "admin", .. verb])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment =
            {
                ["ConnectionStrings__redis"] = await platform.App.GetConnectionStringAsync("redis", Cancellation),
                ["ConnectionStrings__inference"] = await platform.App.GetConnectionStringAsync("inference", Cancellation),
            },
        };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        return (process.ExitCode, output);
    }
}
