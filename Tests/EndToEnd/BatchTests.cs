using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>
/// Two workers and two Api replicas, of which a test may kill one each, and times short enough to see what is lost come back.
/// </summary>
public sealed class BatchPlatform : Platform
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(p => p.Name is "api" or "worker").ToList())
        {
            builder.CreateResourceBuilder(service)
                .WithEnvironment("Batches__Lease", "00:00:02")
                .WithEnvironment("Batches__PollInterval", "00:00:00.250")
                .WithEnvironment("Batches__Concurrency", "4")
                .WithEnvironment("Batches__RunningPerReplica", "1")
                .WithEnvironment("Batches__MaxAttempts", "20")
                .WithEnvironment("Queue__VisibilityTime", "00:00:02");
        }

        var worker = builder.Resources.OfType<ProjectResource>().Single(p => p.Name == "worker");
        builder.CreateResourceBuilder(worker).WithReplicas(2);
    }
}

public sealed class BatchTests(BatchPlatform platform) : IClassFixture<BatchPlatform>
{
    private const int Lines = 1_500;
    private const int Inputs = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // By day JobTests go through the same faults, and BatchLeaseTests hold each fence of a batch.
    [Fact, Trait("Tier", "Nightly")]
    public async Task Every_line_ends_once_and_right_while_processes_are_killed_and_redis_is_emptied()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Needs Linux's /proc to find the processes that it kills.");
        await CountEndingsAsync();

        // A replica runs one at a time: whichever is killed, it runs one of the two.
        Guid[] ids = [await AcceptAsync(), await AcceptAsync()];

        await EndedAsync(300);
        await Faults.KillAsync(platform, "Worker");
        await EndedAsync(600);
        await Faults.FlushRedisAsync(platform);
        await EndedAsync(900);
        await Faults.CrashPostgresAsync(platform);
        await EndedAsync(1_200);
        await Faults.KillAsync(platform, "Api");
        await EndedAsync(1_800);
        await Faults.FlushRedisAsync(platform);
        await EndedAsync(2 * Lines);

        var expected = await LabelsAsync();
        foreach (var id in ids)
        {
            var labels = await LabelsAsync(id);
            Assert.Equal(Enumerable.Range(1, Lines), labels.Select(l => l.Line));
            Assert.All(labels, l => Assert.Equal(expected[(l.Line - 1) % Inputs], l.Label));
        }

        // None that ended twice.
        await using var database = await platform.DatabaseAsync();
        Assert.Equal(2L * Lines, await ScalarAsync(database, "SELECT count(*) FROM line_writes"));
        Assert.Equal(2L * Lines, await ScalarAsync(database, "SELECT count(DISTINCT (batch_id, number)) FROM line_writes"));
    }

    private async Task<Guid> AcceptAsync()
    {
        var body = new StringBuilder();
        for (var i = 0; i < Lines; i++)
        {
            var data = string.Join(',', Digits.HeldOut[i % Inputs].Pixels.Select(p => p.ToString(CultureInfo.InvariantCulture)));
            body.Append(CultureInfo.InvariantCulture,
                $$$"""{"body":{"inputs":[{"name":"image","shape":[1,8,8],"datatype":"FP32","data":[{{{data}}}]}]}}""").Append('\n');
        }

        using var client = platform.Admin();
        using var content = new StringContent(body.ToString(), Encoding.UTF8, "application/jsonl");
        using var response = await client.PostAsync("/v1/batches?model=digits", content, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        using var batch = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return batch.RootElement.GetProperty("id").GetGuid();
    }

    /// <summary>Waits until so many lines have ended, all of them well; asks the database, since the Api may be away.</summary>
    private async Task EndedAsync(int count)
    {
        var wait = Wait.For($"{count} lines to end", TimeSpan.FromMinutes(5));
        while (true)
        {
            try
            {
                await using var database = await platform.DatabaseAsync();
                await using var command = database.CreateCommand(
                    "SELECT sum(completed), sum(failed), bool_and(state = 'completed') FROM batches");
                await using var row = await command.ExecuteReaderAsync(Cancellation);
                Assert.True(await row.ReadAsync(Cancellation));
                Assert.Equal(0, row.GetInt64(1));
                if (row.GetInt64(0) >= count && (count < 2 * Lines || row.GetBoolean(2)))
                {
                    return;
                }
            }
            catch (NpgsqlException)
            {
                // It recovers.
            }

            await wait.PauseAsync();
        }
    }

    /// <summary>Notes every write to a line after it arrived.</summary>
    private async Task CountEndingsAsync()
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand("""
            CREATE TABLE line_writes (batch_id uuid NOT NULL, number int NOT NULL);
            CREATE FUNCTION note_line() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO line_writes VALUES (NEW.batch_id, NEW.number); RETURN NULL; END $$;
            CREATE TRIGGER note_line AFTER UPDATE ON batch_lines FOR EACH ROW EXECUTE FUNCTION note_line();
            """);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    // What calls answer.
    private async Task<int[]> LabelsAsync()
    {
        using var client = platform.Admin();
        var labels = new int[Inputs];
        for (var i = 0; i < Inputs; i++)
        {
            using var response = await AnsweredAsync(
                () => client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[i].Pixels]), Cancellation));
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
            labels[i] = LabelOf(body.RootElement);
        }

        return labels;
    }

    private async Task<List<(int Line, int Label)>> LabelsAsync(Guid id)
    {
        using var client = platform.Admin();
        using var response = await AnsweredAsync(() => client.GetAsync($"/v1/batches/{id}/output", Cancellation));
        return [.. (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(text =>
        {
            using var line = JsonDocument.Parse(text);
            return (line.RootElement.GetProperty("line").GetInt32(), LabelOf(line.RootElement.GetProperty("response").GetProperty("body")));
        })];
    }

    // A connection may lead to the replica that is no more.
    private static async Task<HttpResponseMessage> AnsweredAsync(Func<Task<HttpResponseMessage>> send)
    {
        var wait = Wait.For("an answer of a replica that is there");
        while (true)
        {
            try
            {
                var response = await send();
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                return response;
            }
            catch (HttpRequestException)
            {
                await wait.PauseAsync();
            }
        }
    }

    private static int LabelOf(JsonElement answer) =>
        answer.GetProperty("outputs")
            .EnumerateArray().Single(o => o.GetProperty("name").GetString() == "label").GetProperty("data")[0].GetInt32();

    private static async Task<long> ScalarAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
