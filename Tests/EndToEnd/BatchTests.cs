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

/// <summary>Two workers, and times short enough to see what is lost come back.</summary>
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
                .WithEnvironment("Batches__MaxAttempts", "20")
                .WithEnvironment("Queue__VisibilityTime", "00:00:02");
        }

        var worker = builder.Resources.OfType<ProjectResource>().Single(p => p.Name == "worker");
        builder.CreateResourceBuilder(worker).WithReplicas(2);
    }
}

public sealed class BatchTests(BatchPlatform platform) : IClassFixture<BatchPlatform>
{
    private const int Lines = 3_000;
    private const int Inputs = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_line_ends_once_and_right_while_processes_are_killed_and_redis_is_emptied()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Needs Linux's /proc to find the processes that it kills.");
        Assert.SkipWhen(Faults.Processes("Worker").Count < 2, "Needs the offline profile: there the services are processes beneath the test's own.");
        await CountEndingsAsync();
        var id = await AcceptAsync();

        await EndedAsync(id, 300);
        Faults.Kill(Faults.Processes("Worker")[0]);
        await EndedAsync(id, 600);
        await Faults.FlushRedisAsync(platform);
        await EndedAsync(id, 900);
        await Faults.CrashPostgresAsync(platform);
        await EndedAsync(id, 1_200);

        // Whichever of the two runs it: the other one goes on.
        Faults.Kill(Faults.Processes("Api")[0]);
        await EndedAsync(id, 1_800);
        Faults.Kill(Faults.Processes("Api")[0]);
        await EndedAsync(id, 2_400);
        await Faults.FlushRedisAsync(platform);
        await EndedAsync(id, Lines);

        var labels = await LabelsAsync(id);
        Assert.Equal(Enumerable.Range(1, Lines), labels.Select(l => l.Line));
        Assert.All(labels, l => Assert.Equal(Digits.HeldOut[(l.Line - 1) % Inputs].Label, l.Label));

        // None that ended twice.
        await using var database = await platform.DatabaseAsync();
        Assert.Equal((long)Lines, await ScalarAsync(database, "SELECT count(*) FROM line_writes"));
        Assert.Equal((long)Lines, await ScalarAsync(database, "SELECT count(DISTINCT number) FROM line_writes"));
    }

    private async Task<Guid> AcceptAsync()
    {
        var body = new StringBuilder();
        for (var i = 0; i < Lines; i++)
        {
            var data = string.Join(',', Digits.HeldOut[i % Inputs].Pixels.Select(p => p.ToString(CultureInfo.InvariantCulture)));
            body.Append(CultureInfo.InvariantCulture, $$$"""{"body":{"inputs":[{"name":"image","shape":[1,8,8],"datatype":"FP32","data":[{{{data}}}]}]}}""").Append('\n');
        }

        using var client = platform.Admin();
        using var content = new StringContent(body.ToString(), Encoding.UTF8, "application/jsonl");
        using var response = await client.PostAsync("/v1/batches?model=digits", content, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        using var batch = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return batch.RootElement.GetProperty("id").GetGuid();
    }

    /// <summary>Waits until so many lines have ended, all of them well; asks the database, since the Api may be away.</summary>
    private async Task EndedAsync(Guid id, int count)
    {
        while (true)
        {
            try
            {
                await using var database = await platform.DatabaseAsync();
                await using var command = database.CreateCommand("SELECT completed, failed, state FROM batches WHERE id = $1");
                command.Parameters.AddWithValue(id);
                await using var row = await command.ExecuteReaderAsync(Cancellation);
                Assert.True(await row.ReadAsync(Cancellation));
                Assert.Equal(0, row.GetInt32(1));
                if (row.GetInt32(0) >= count && (count < Lines || row.GetString(2) == "completed"))
                {
                    return;
                }
            }
            catch (NpgsqlException)
            {
                // It recovers.
            }

            await Task.Delay(20, Cancellation);
        }
    }

    /// <summary>Notes every write to a line after it arrived.</summary>
    private async Task CountEndingsAsync()
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand("""
            CREATE TABLE line_writes (number int NOT NULL);
            CREATE FUNCTION note_line() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN INSERT INTO line_writes VALUES (NEW.number); RETURN NULL; END $$;
            CREATE TRIGGER note_line AFTER UPDATE ON batch_lines FOR EACH ROW EXECUTE FUNCTION note_line();
            """);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private async Task<List<(int Line, int Label)>> LabelsAsync(Guid id)
    {
        while (true)
        {
            try
            {
                using var client = platform.Admin();
                var text = await client.GetStringAsync($"/v1/batches/{id}/output", Cancellation);
                return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(LabelOf)];
            }
            catch (HttpRequestException)
            {
                // The replica that was killed last is not there yet.
                await Task.Delay(50, Cancellation);
            }
        }
    }

    private static (int Line, int Label) LabelOf(string text)
    {
        using var line = JsonDocument.Parse(text);
        var label = line.RootElement.GetProperty("response").GetProperty("body").GetProperty("outputs").EnumerateArray()
            .Single(o => o.GetProperty("name").GetString() == "label").GetProperty("data")[0].GetInt32();
        return (line.RootElement.GetProperty("line").GetInt32(), label);
    }

    private static async Task<long> ScalarAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }
}
