using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Web;

/// <summary>A real HTTP server with the endpoints that the dashboard calls, and knobs for what can go wrong.</summary>
public sealed class FakeApi : IAsyncDisposable
{
    public const string Key = "inf_a-good-key";

    private static readonly string[] Summed =
        ["/v1/overview/objectives", "/v1/overview/changes", "/v1/overview/history", "/v1/usage", "/v2/models/stats"];

    private readonly ConcurrentDictionary<string, DateTimeOffset> _tokens = new();
    private readonly WebApplication _app;

    private FakeApi(WebApplication app) => _app = app;

    /// <summary>The lists behind the console's pages.</summary>
    public FakeConsole Console { get; } = new();

    /// <summary>The role of the keys of those who sign in from now on.</summary>
    public string Role { get; set; } = "admin";

    public string Url { get; private set; } = "";

    /// <summary>Connections are cut instead of answered.</summary>
    public bool Down { get; set; }

    public bool Traffic { get; set; } = true;

    /// <summary>Whether any request has finished, so that there are latencies.</summary>
    public bool Latency { get; set; } = true;

    public bool Workers { get; set; } = true;

    /// <summary>Of the requests, those that fail: a number in JSON.</summary>
    public string Errors { get; set; } = "0.5";

    /// <summary>Seconds that the oldest request has waited.</summary>
    public int OldestWait { get; set; }

    /// <summary>The state of the one model that no worker has open.</summary>
    public string ColdState { get; set; } = "cold";

    /// <summary>Whether there is a model that takes images.</summary>
    public bool Photos { get; set; }

    /// <summary>Whether one of the models has older versions too, of which one answers otherwise.</summary>
    public bool OlderVersions { get; set; }

    /// <summary>How many requests were given up.</summary>
    public int DeadLetters { get; set; }

    /// <summary>The model that generates text.</summary>
    public FakeChat Chat { get; } = new();

    /// <summary>Whether any model was ever called.</summary>
    public bool Served { get; set; }

    /// <summary>Whether the role of the key is too low for the overview.</summary>
    public bool Forbidden { get; set; }

    /// <summary>Whether any model is registered.</summary>
    public bool Models { get; set; } = true;

    /// <summary>What requests for inference are refused with; null where they are answered.</summary>
    public string? InferError { get; set; }

    public int InferErrorStatus { get; set; } = 400;

    /// <summary>How long a run takes.</summary>
    public TimeSpan InferTime { get; set; }

    /// <summary>The request that was answered or refused last, with the model before it.</summary>
    public (string Model, string Body)? LastInfer { get; private set; }

    /// <summary>Life of the tokens given from now on.</summary>
    public TimeSpan TokenLife { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>What the next overviews say; grows by one with each, so that a page can be seen to move.</summary>
    public int RequestsPerSecond { get; set; } = 100;

    /// <summary>How often statistics were read while there was traffic: each time models have served more.</summary>
    public int Counted { get; private set; }

    /// <summary>Whether statistics can be had.</summary>
    public bool Counts { get; set; } = true;

    /// <summary>Whether all that is told from sums and records never comes.</summary>
    public bool SumsHang { get; set; }

    public static async Task<FakeApi> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var api = new FakeApi(builder.Build());
        api._app.Use(async (context, next) =>
        {
            if (api.Down)
            {
                context.Abort();
                return;
            }

            if (api.SumsHang && Summed.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.Ordinal)))
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }

            await next(context);
        });
        api._app.MapPost("/v1/auth/token", api.GiveToken);
        api._app.MapGet("/v1/overview", api.GiveOverview);
        api._app.MapGet("/v2/models/stats", () => api.Counts
            ? Results.Text(OverviewJson.Statistics(api.Served, api.Traffic ? api.Counted++ : 0), "application/json")
            : Results.StatusCode(503));
        api._app.MapPost("/v2/models/{model}/versions/{version}/infer", api.InferAsync);
        api._app.MapPost("/v1/chat/completions", context => api.Chat.AnswerAsync(context, api._tokens.ContainsKey(Bearer(context))));
        api.Console.Map(api._app, context => api._tokens.ContainsKey(Bearer(context)));
        await api._app.StartAsync();
        var server = api._app.Services.GetService(
            typeof(Microsoft.AspNetCore.Hosting.Server.IServer)) as Microsoft.AspNetCore.Hosting.Server.IServer;
        api.Url = server!.Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return api;
    }

    /// <summary>Back to an API that is up, busy, and has workers.</summary>
    public void Reset()
    {
        Console.Reset();
        Chat.Reset();
        Role = "admin";
        Down = false;
        Traffic = true;
        Latency = true;
        Workers = true;
        Errors = "0.5";
        OldestWait = 0;
        ColdState = "cold";
        Photos = false;
        OlderVersions = false;
        DeadLetters = 0;
        Served = false;
        Forbidden = false;
        Models = true;
        InferError = null;
        InferErrorStatus = 400;
        InferTime = TimeSpan.Zero;
        LastInfer = null;
        TokenLife = TimeSpan.FromMinutes(15);
        RequestsPerSecond = 100;
        Counts = true;
        SumsHang = false;
    }

    /// <summary>From now on every token given so far is refused.</summary>
    public void RevokeTokens() => _tokens.Clear();

    private IResult GiveToken(HttpContext context)
    {
        if (Bearer(context) != Key)
        {
            return Results.Problem(statusCode: 401, detail: "The API key is not known.");
        }

        var token = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
        _tokens[token] = DateTimeOffset.UtcNow + TokenLife;
        var answer = $$"""
            {"access_token":"{{token}}","token_type":"Bearer","expires_in":{{(int)TokenLife.TotalSeconds}},
             "name":"first-admin","role":"{{Role}}","tenant":"default"}
            """;
        return Results.Text(answer, "application/json");
    }

    private IResult GiveOverview(HttpContext context)
    {
        if (!_tokens.TryGetValue(Bearer(context), out var expires) || expires <= DateTimeOffset.UtcNow)
        {
            return Results.Problem(statusCode: 401, detail: "The token is not valid.");
        }

        return Forbidden
            ? Results.Problem(statusCode: 403)
            : Results.Text(OverviewJson.Of(Traffic ? RequestsPerSecond++ : 0, Latency, Workers, Models, Errors, OldestWait, ColdState, Console.WorkerState, Photos, Chat.Registered, OlderVersions, DeadLetters),
                "application/json");
    }

    private async Task<IResult> InferAsync(HttpContext context, string model, string version)
    {
        if (!_tokens.ContainsKey(Bearer(context)))
        {
            return Results.Json(new { error = "credentials are missing" }, statusCode: 401);
        }

        using var reader = new StreamReader(context.Request.Body);
        LastInfer = ($"{model}/{version}", await reader.ReadToEndAsync());
        if (InferError is not null)
        {
            return Results.Json(new { error = InferError }, statusCode: InferErrorStatus);
        }

        await Task.Delay(InferTime, context.RequestAborted);

        var outputs = model switch
        {
            "digits" => """{"name":"label","datatype":"INT64","shape":[1],"data":[7]},{"name":"probabilities","datatype":"FP32","shape":[1,10],"data":[0,0.01,0,0,0,0,0,0.98,0,0.01]}""",
            "photos" => """{"name":"scores","datatype":"BYTES","shape":[1,2],"data":["0.75:1:dog: small","0.25:0"]},{"name":"sharpness","datatype":"FP32","shape":[1],"data":[0.5]}""",
            "delivery" when version == "1" => """{"name":"score","datatype":"FP32","shape":[1,2],"data":[0.5,0.5]}""",
            _ => """{"name":"score","datatype":"FP32","shape":[1,2],"data":[0.25,0.75]}""",
        };
        return Results.Text($$"""
            {"model_name":"{{model}}","model_version":"{{version}}","parameters":{"queue_us":412,"compute_us":1095,"batch_size":3,"cost":0.00000042,"currency":"EUR"},
             "outputs":[{{outputs}}]}
            """, "application/json");
    }

    private static string Bearer(HttpContext context) =>
        context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
