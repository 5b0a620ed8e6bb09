using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class AdminCommandTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact, Trait("Tier", "Nightly")]
    public async Task Dead_letters_can_be_seen_requeued_and_purged_from_a_shell()
    {
        using var queue = await ModelQueue.OpenAsync(platform);
        var ids = await queue.DeadLetterAsync(3);

        var (listed, lines) = await RunAsync("dead-letters", "list", queue.Model, "1");
        var letters = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(0, listed);
        Assert.Equal(ids, letters.Select(l => l.GetProperty("request").GetProperty("id").GetGuid()));

        var (requeued, count) = await RunAsync(
            "dead-letters", "requeue", queue.Model, "1", "--id", letters[0].GetProperty("id").GetString()!);
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

    [Fact, Trait("Tier", "Nightly")]
    public async Task Retention_is_tried_from_a_shell()
    {
        var (code, output) = await RunAsync("retention", "--dry-run");

        Assert.Equal(0, code);
        Assert.Equal(JsonValueKind.Array, JsonDocument.Parse(output).RootElement.GetProperty("rows").ValueKind);
    }

    [Fact]
    public async Task Key_can_be_made_seen_rotated_and_revoked_from_a_shell()
    {
        var (made, created) = await JsonAsync(
            "keys", "create", "--name", "night batch", "--role", "service", "--model", "digits", "--lifetime", "30.00:00:00");
        Assert.Equal(0, made);
        var (id, prefix) = (created.GetProperty("id").GetString()!, created.GetProperty("prefix").GetString()!);
        Assert.Equal("admin command", created.GetProperty("created_by").GetString());
        Assert.Equal(30, (created.GetProperty("expires_at")
            .GetDateTimeOffset() - created.GetProperty("created_at").GetDateTimeOffset()).TotalDays, 0.01);
        using var client = platform.WithKey(created.GetProperty("key").GetString()!);
        await ExpectAsync(HttpStatusCode.OK, client.GetAsync("/v2", Cancellation));

        var (listed, table, _) = await ApiProcess.AdminAsync(platform, Cancellation, "keys", "list", "--prefix", prefix);
        Assert.Equal(0, listed);
        var lines = table.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("ID ", lines[0], StringComparison.Ordinal);
        Assert.Equal(2, lines.Length);
        Assert.Contains(id, lines[1], StringComparison.Ordinal);
        Assert.DoesNotContain(created.GetProperty("key").GetString()!, table, StringComparison.Ordinal);

        var (rotated, next) = await JsonAsync("keys", "rotate", prefix, "--overlap", "01:00:00");
        Assert.Equal(0, rotated);
        Assert.Equal(id, next.GetProperty("replaces").GetString());
        using var successor = platform.WithKey(next.GetProperty("key").GetString()!);
        await ExpectAsync(HttpStatusCode.OK, successor.GetAsync("/v2", Cancellation));

        var (revoked, ended) = await JsonAsync("keys", "revoke", id);
        Assert.Equal((0, "revoked"), (revoked, ended.GetProperty("state").GetString()));
        await KeyCalls.UntilRefusedAsync(client, "/v2");
        await ExpectAsync(HttpStatusCode.OK, successor.GetAsync("/v2", Cancellation));

        var (unknown, nothing, why) = await ApiProcess.AdminAsync(platform, Cancellation, "keys", "revoke", "nobody");
        Assert.Equal((1, "", "There is no API key 'nobody'."), (unknown, nothing, why.Trim()));
    }

    [Fact, Trait("Tier", "Nightly")]
    public async Task Models_can_be_seen_promoted_rolled_back_and_deleted_from_a_shell()
    {
        using var client = platform.Admin();
        var model = await UploadedModel.WithVersionsAsync(client, 2);

        var (listed, list, _) = await ApiProcess.AdminAsync(platform, Cancellation, "models", "list");
        Assert.Equal(0, listed);
        Assert.Contains(list.Split('\n'),
            line => line.StartsWith($"{model} ", StringComparison.Ordinal) && line.Contains("1,2", StringComparison.Ordinal));
        var (promoted, stable) = await JsonAsync("models", "promote", model, "1");
        Assert.Equal((0, "1", "2"), (promoted, stable.GetProperty("stable").GetString(), stable.GetProperty("previous").GetString()));
        var (_, table, _) = await ApiProcess.AdminAsync(platform, Cancellation, "models", "show", model);
        Assert.Contains(table.Split('\n'),
            line => line.StartsWith("1 ", StringComparison.Ordinal) && line.Contains("stable", StringComparison.Ordinal));
        var (_, back) = await JsonAsync("models", "rollback", model);
        Assert.Equal("2", back.GetProperty("stable").GetString());
        using var history = await client.GetAsync($"/v1/models/{model}/events?limit=1", Cancellation);
        Assert.Equal("admin command", (await history.JsonAsync()).GetProperty("events")[0].GetProperty("actor").GetString());

        Assert.Equal(1, (await ApiProcess.AdminAsync(platform, Cancellation, "models", "delete", model, "--version-number", "2")).ExitCode);
        Assert.Equal(1, (await ApiProcess.AdminAsync(platform, Cancellation, "models", "delete", model)).ExitCode);
        Assert.Equal(0, (await ApiProcess.AdminAsync(platform, Cancellation, "models", "delete", model, "--force")).ExitCode);
        await ExpectAsync(HttpStatusCode.NotFound, client.GetAsync($"/v1/models/{model}", Cancellation));
    }

    private static async Task ExpectAsync(HttpStatusCode expected, Task<HttpResponseMessage> call)
    {
        using var response = await call;
        Assert.Equal(expected, response.StatusCode);
    }

    private async Task<(int ExitCode, JsonElement Answer)> JsonAsync(params string[] verb)
    {
        var (exitCode, output, error) = await ApiProcess.AdminAsync(platform, Cancellation, [.. verb, "--json"]);
        Assert.True(output.Length > 0, error);
        return (exitCode, JsonElement.Parse(output));
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] verb)
    {
        var (exitCode, output, _) = await ApiProcess.AdminAsync(platform, Cancellation, verb);
        return (exitCode, output);
    }
}
