using System.Net;
using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class RecordTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Prediction_is_recorded_with_its_trace_and_timings()
    {
        using var client = platform.Admin();
        var trace = Guid.NewGuid().ToString("N");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer");
        request.Content = Digits.Request([Digits.HeldOut[0].Pixels, Digits.HeldOut[1].Pixels]);
        request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        using var response = await client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand("""
            SELECT tenant_id, model, version, status, batch_size, queue_microseconds, compute_microseconds, total_microseconds, worker
            FROM predictions WHERE trace_id = $1
            """);
        command.Parameters.AddWithValue(trace);
        var wait = Wait.For($"the record of {trace}");
        while (true)
        {
            // Records are written in batches, a fraction of a second later.
            await using var row = await command.ExecuteReaderAsync(Cancellation);
            if (!await row.ReadAsync(Cancellation))
            {
                await wait.PauseAsync();
                continue;
            }

            Assert.Equal("default", row.GetString(0));
            Assert.Equal("digits", row.GetString(1));
            Assert.Equal("1", row.GetString(2));
            Assert.Equal(200, row.GetInt16(3));
            Assert.True(row.GetInt32(4) >= 2);
            var (queue, compute, total) = (row.GetInt64(5), row.GetInt64(6), row.GetInt64(7));
            Assert.True(compute > 0 && queue >= 0 && total >= compute, $"queue {queue}, compute {compute}, total {total}");
            Assert.NotEmpty(row.GetString(8));
            Assert.False(await row.ReadAsync(Cancellation));
            return;
        }
    }

    [Fact]
    public async Task Secrets_are_not_stored()
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand(
            "SELECT count(*) FROM api_keys WHERE prefix = 'admin' AND length(hash) = 32 AND position($1::bytea IN hash) = 0");
        command.Parameters.AddWithValue(Encoding.UTF8.GetBytes(Platform.AdminKey));

        Assert.Equal(1L, await command.ExecuteScalarAsync(Cancellation));
    }
}
