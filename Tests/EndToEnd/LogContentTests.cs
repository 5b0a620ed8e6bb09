using System.Data.Common;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>Secrets and payloads go through the platform, well and badly; nothing that it writes about itself has any of them.</summary>
[Collection<TracedPlatform>]
public sealed class LogContentTests(TracedPlatform platform)
{
    private const string Payload = "a-word-that-only-its-caller-may-read";

    // An index that the model's table lacks, which ONNX Runtime names in its message.
    private const long Index = 987_654_321;

    private static readonly string[] s_services = ["api", "worker", "web"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_log_trace_or_metric_has_a_secret_or_a_payload()
    {
        using var admin = platform.Admin();
        await UploadAsync(admin, "words", new OnnxModel().Input("x", OnnxModel.Text, -1).Output("y", OnnxModel.Text, -1)
            .Node("Identity", ["x"], ["y"]).ToBytes());
        await UploadAsync(admin, "table", new OnnxModel().Input("x", OnnxModel.Int64, -1).Output("y", OnnxModel.Float, -1)
            .Constant("table", [1, 2, 3], 3).Node("Gather", ["table", "x"], ["y"]).ToBytes());
        using var created = await admin.PostAsJsonAsync("/v1/keys", new { name = "reader", role = "user" }, Cancellation);
        var key = (await JsonAsync(created)).GetProperty("key").GetString()!;
        using var user = platform.WithKey(key);
        using var stranger = platform.WithKey("user_of-nobody-that-we-know-at-all");

        await ExpectAsync(HttpStatusCode.OK, user, "/v2/models/words/infer", Words(Payload));
        await ExpectAsync(HttpStatusCode.BadRequest, user, "/v2/models/words/infer", Words(Payload)[..^20]);
        await ExpectAsync(HttpStatusCode.BadRequest, user, "/v2/models/table/infer", Request("INT64", $"{Index}"));
        await ExpectAsync(HttpStatusCode.Unauthorized, stranger, $"/v2/models/words/infer?api_key={Payload}", Words(Payload));
        var job = await ExpectAsync(HttpStatusCode.Accepted, user, "/v2/models/words/infer", Words(Payload), prefer: "respond-async");
        var failing = await ExpectAsync(
            HttpStatusCode.Accepted, user, "/v2/models/table/infer", Request("INT64", $"{Index}"), prefer: "respond-async");
        await EndedAsync(user, job, "succeeded");
        await EndedAsync(user, failing, "failed");

        // What was logged and traced last is there, hence what came before it.
        using var last = new HttpRequestMessage(HttpMethod.Post, "/v2/models/table/infer") { Content = Json(Request("INT64", "3")) };
        var trace = Guid.NewGuid().ToString("N");
        last.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        using var failed = await user.SendAsync(last, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, failed.StatusCode);
        await Wait.UntilAsync(() => platform.Exports.Count(e => e.AsSpan().IndexOf(Convert.FromHexString(trace)) >= 0) > 1);
        await Wait.UntilAsync(async () => (await LogsAsync("worker")).Contains("table/1 failed on a request", StringComparison.Ordinal));
        await Wait.UntilAsync(() => platform.OtherExports.Any(e => e.AsSpan().IndexOf("inference.batch.size"u8) >= 0));
        await Wait.UntilAsync(() => platform.OtherExports.Any(e => e.AsSpan().IndexOf("failed on a request"u8) >= 0));

        var written = new List<(string Source, byte[] Bytes)>();
        foreach (var service in s_services.Where(name => name != "web" || Repository.HasDashboard))
        {
            written.Add(($"the log of {service}", Encoding.UTF8.GetBytes(await LogsAsync(service))));
        }

        written.AddRange(platform.Exports.Select(export => ("a trace", export)));
        written.AddRange(platform.OtherExports.Select(export => ("a log or metric by OTLP", export)));
        string[] hidden =
        [
            Payload, $"{Index}", Platform.AdminKey, Platform.Pepper, Platform.DirectSecret, Platform.ScalingToken, key,
            "of-nobody-that-we-know-at-all", await PasswordAsync("inference"), await PasswordAsync("redis"),
        ];
        List<string> found =
        [
            .. from secret in hidden
               let bytes = Encoding.UTF8.GetBytes(secret)
               from place in written
               let at = place.Bytes.AsSpan().IndexOf(bytes)
               where at >= 0
               select $"{secret} in {place.Source}, behind: {Encoding.Latin1.GetString(place.Bytes[Math.Max(0, at - 80)..at])}",
        ];
        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public async Task Record_of_a_call_is_written_without_a_word_of_the_driver()
    {
        using var admin = platform.Admin();
        using var call = await admin.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, call.StatusCode);
        await Wait.UntilAsync(async () =>
        {
            using var records = await admin.GetAsync("/v1/requests?model=digits", Cancellation);
            return (await JsonAsync(records)).GetProperty("requests").GetArrayLength() > 0;
        });

        Assert.DoesNotContain("Npgsql.Copy", await LogsAsync("api"), StringComparison.Ordinal);
    }

    private static string Words(string word) => Request("BYTES", $"\"{word}\"");

    private static string Request(string datatype, string value) =>
        $$"""{"inputs":[{"name":"x","datatype":"{{datatype}}","shape":[1],"data":[{{value}}]}]}""";

    private static StringContent Json(string body) => new(body, new MediaTypeHeaderValue("application/json"));

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));

    private static async Task<JsonElement> ExpectAsync(
        HttpStatusCode status, HttpClient client, string path, string body, string prefer = "return=representation")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(body), Headers = { { "Prefer", prefer } } };
        using var response = await client.SendAsync(request, Cancellation);
        Assert.Equal(status, response.StatusCode);
        return await JsonAsync(response);
    }

    private static async Task UploadAsync(HttpClient admin, string model, byte[] file)
    {
        using var content = new ByteArrayContent(file);
        using var uploaded = await admin.PostAsync($"/v1/models/{model}/versions", content, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        await StateAsync(admin, $"/v1/models/{model}/versions/1", "ready");
        await admin.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"), known => Task.FromResult(known.IsSuccessStatusCode));
    }

    private static Task EndedAsync(HttpClient client, JsonElement job, string state) =>
        StateAsync(client, $"/v1/jobs/{job.GetProperty("id").GetString()}", state);

    private static Task StateAsync(HttpClient client, string path, string state) => Wait.UntilAsync(
        async () =>
        {
            using var response = await client.GetAsync(path, Cancellation);
            return (await JsonAsync(response)).GetProperty("state").GetString() == state;
        },
        awaited: $"{path} to be {state}");

    private async Task<string> LogsAsync(string service)
    {
        var resource = platform.App.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(r => r.Name == service);
        var logs = new StringBuilder();
        await foreach (var lines in platform.App.Services.GetRequiredService<ResourceLoggerService>().GetAllAsync(resource))
        {
            foreach (var line in lines)
            {
                logs.AppendLine(line.Content);
            }
        }

        return logs.ToString();
    }

    private async Task<string> PasswordAsync(string server)
    {
        var text = (await platform.App.GetConnectionStringAsync(server))!;
        return server == "redis"
            ? text.Split(',').Single(part => part.StartsWith("password=", StringComparison.Ordinal))["password=".Length..]
            : (string)new DbConnectionStringBuilder { ConnectionString = text }["Password"];
    }
}
