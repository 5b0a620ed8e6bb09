using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>An Api and a Worker as processes with settings of a test's own, in production mode, and what shows that they serve.</summary>
internal sealed class OwnServices : IAsyncDisposable
{
    private const string Body = """{"inputs":[{"name":"index","shape":[1],"datatype":"INT64","data":[3]}]}""";
    private const string Result = "[30]";

    private readonly ApiProcess _api;
    private readonly WorkerProcess _worker;

    private OwnServices(ApiProcess api, WorkerProcess worker)
    {
        (_api, _worker) = (api, worker);
        Admin = new HttpClient { BaseAddress = new(api.Url) };
        Admin.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Platform.AdminKey);
    }

    public HttpClient Admin { get; }

    public HttpClient Worker => _worker.Client;

    public string ApiOutput => _api.Output;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static (string Key, string Value)[] Settings(string postgres, string redis) =>
    [
        ("ASPNETCORE_ENVIRONMENT", "Production"),
        ("Auth__ApiKeyPepper", Platform.Pepper),
        ("Auth__JwtSigningKey", "eight-grey-ponies-graze-below-the-old-mill"),
        ("Auth__AdminSecret", Platform.AdminKey["admin_".Length..]),
        ("Direct__Secret", Platform.DirectSecret),
        ("ConnectionStrings__inference", postgres),
        ("ConnectionStrings__redis", redis),
    ];

    /// <summary>Starts them and waits until a model is served.</summary>
    public static async Task<OwnServices> StartAsync((string Key, string Value)[] settings)
    {
        var api = await ApiProcess.StartAsync(settings, Cancellation);
        WorkerProcess worker;
        try
        {
            worker = await WorkerProcess.StartAsync(
                [.. settings, ("Worker__ModelsDirectory", Path.Combine(AppContext.BaseDirectory, "Models"))], Cancellation);
        }
        catch
        {
            await api.DisposeAsync();
            throw;
        }

        var services = new OwnServices(api, worker);
        await Wait.UntilAsync(async () =>
        {
            using var ready = await services.Admin.GetAsync("/v2/models/lookup/ready", Cancellation);
            return ready.StatusCode == HttpStatusCode.OK;
        });
        return services;
    }

    /// <summary>A call, a job and a batch, each with its right result.</summary>
    public async Task ServeAsync()
    {
        using var answer = await Admin.PostAsync("/v2/models/lookup/infer", Digits.Json(Body), Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        Assert.Contains(Result, text, StringComparison.Ordinal);

        using var job = new HttpRequestMessage(HttpMethod.Post, "/v2/models/lookup/infer") { Content = Digits.Json(Body) };
        job.Headers.Add("Prefer", "respond-async");
        using var accepted = await Admin.SendAsync(job, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        await EndedAsync(accepted.Headers.Location!.ToString(), "succeeded");

        using var lines = new StringContent($$"""{"custom_id":"one","model":"lookup","body":{{Body}}}""");
        lines.Headers.ContentType = new("application/jsonl");
        using var batch = await Admin.PostAsync("/v1/batches", lines, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, batch.StatusCode);
        var id = (await batch.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("id").GetString();
        await EndedAsync($"/v1/batches/{id}", "completed");
    }

    public async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        await _worker.DisposeAsync();
        await _api.DisposeAsync();
    }

    private Task EndedAsync(string path, string state) => Wait.UntilAsync(
        async () => (await Admin.GetFromJsonAsync<JsonElement>(path, Cancellation)).GetProperty("state").GetString() == state,
        awaited: $"{path} to be {state}");
}
