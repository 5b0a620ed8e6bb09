using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Web;

/// <summary>A real HTTP server with the two endpoints that the dashboard calls, and knobs for what can go wrong.</summary>
public sealed class FakeApi : IAsyncDisposable
{
    public const string Key = "inf_a-good-key";

    private readonly ConcurrentDictionary<string, DateTimeOffset> _tokens = new();
    private readonly WebApplication _app;

    private FakeApi(WebApplication app) => _app = app;

    public string Url { get; private set; } = "";

    /// <summary>Connections are cut instead of answered.</summary>
    public bool Down { get; set; }

    public bool Traffic { get; set; } = true;

    /// <summary>Whether any request has finished, so that there are latencies.</summary>
    public bool Latency { get; set; } = true;

    public bool Workers { get; set; } = true;

    /// <summary>Life of the tokens given from now on.</summary>
    public TimeSpan TokenLife { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>What the next overviews say; grows by one with each, so that a page can be seen to move.</summary>
    public int RequestsPerSecond { get; set; } = 100;

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

            await next(context);
        });
        api._app.MapPost("/v1/auth/token", api.GiveToken);
        api._app.MapGet("/v1/overview", api.GiveOverview);
        await api._app.StartAsync();
        var server = api._app.Services.GetService(typeof(Microsoft.AspNetCore.Hosting.Server.IServer)) as Microsoft.AspNetCore.Hosting.Server.IServer;
        api.Url = server!.Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return api;
    }

    /// <summary>Back to an API that is up, busy, and has workers.</summary>
    public void Reset()
    {
        Down = false;
        Traffic = true;
        Latency = true;
        Workers = true;
        TokenLife = TimeSpan.FromMinutes(15);
        RequestsPerSecond = 100;
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
             "name":"first-admin","role":"admin","tenant":"default"}
            """;
        return Results.Text(answer, "application/json");
    }

    private IResult GiveOverview(HttpContext context)
    {
        if (!_tokens.TryGetValue(Bearer(context), out var expires) || expires <= DateTimeOffset.UtcNow)
        {
            return Results.Problem(statusCode: 401, detail: "The token is not valid.");
        }

        return Results.Text(OverviewJson.Of(Traffic ? RequestsPerSecond++ : 0, Latency, Workers), "application/json");
    }

    private static string Bearer(HttpContext context) =>
        context.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
