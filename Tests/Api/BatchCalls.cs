using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>What tests of batches ask of the Api.</summary>
internal static class BatchCalls
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The body of a line that shows a digit.</summary>
    public static string Body(int digit) =>
        $$"""{"id":"d{{digit}}","inputs":[{"name":"image","shape":[1,8,8],"datatype":"FP32","data":[{{Pixels(digit)}}]}]}""";

    public static string Line(int digit, string customId, string model = "digits") =>
        $$"""{"custom_id":"{{customId}}","model":"{{model}}","body":{{Body(digit)}}}""";

    public static async Task<HttpResponseMessage> SendBatchAsync(
        this HttpClient client, IEnumerable<string> lines, string query = "", string? key = null, string type = "application/jsonl")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/batches{query}");
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await client.SendAsync(request, Cancellation);
    }

    public static async Task<Guid> AcceptBatchAsync(this HttpClient client, IEnumerable<string> lines, string query = "")
    {
        using var response = await client.SendBatchAsync(lines, query);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        return (await response.JsonAsync()).GetProperty("id").GetGuid();
    }

    /// <summary>A batch of a model that no worker can load, which therefore waits.</summary>
    public static async Task<Guid> AcceptIdleBatchAsync(this Platform platform, HttpClient client)
    {
        await platform.SubmitIdleAsync(client);
        return await client.AcceptBatchAsync([Line(0, "idle", "idle")]);
    }

    public static async Task<JsonElement> BatchEndedAsync(this HttpClient client, Guid id)
    {
        var wait = Wait.For($"the batch {id} to end");
        while (true)
        {
            using var response = await client.GetAsync($"/v1/batches/{id}", Cancellation);
            var batch = await response.JsonAsync();
            if (batch.GetProperty("state").GetString() is not ("queued" or "running"))
            {
                return batch;
            }

            await wait.PauseAsync();
        }
    }

    public static async Task<List<JsonElement>> FileAsync(this HttpClient client, Guid id, string file)
    {
        using var response = await client.GetAsync($"/v1/batches/{id}/{file}", Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType!.MediaType);
        var lines = new List<JsonElement>();
        foreach (var line in (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var document = JsonDocument.Parse(line);
            lines.Add(document.RootElement.Clone());
        }

        return lines;
    }

    public static (int Total, int Completed, int Failed) Counts(this JsonElement batch)
    {
        var counts = batch.GetProperty("counts");
        return (counts.GetProperty("total").GetInt32(), counts.GetProperty("completed").GetInt32(),
            counts.GetProperty("failed").GetInt32());
    }

    private static string Pixels(int digit) =>
        string.Join(',', Digits.HeldOut[digit].Pixels.Select(p => p.ToString(CultureInfo.InvariantCulture)));
}
