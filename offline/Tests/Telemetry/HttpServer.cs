using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Tests.Offline.Telemetry;

/// <summary>A real server on a free port that answers everything in one way and remembers what was asked.</summary>
internal sealed class HttpServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HttpServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.First());

    public List<string> Requests { get; } = [];

    public static async Task<HttpServer> StartAsync(Func<int, HttpContext, Task> answer, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        configure?.Invoke(builder);

        var app = builder.Build();
        var server = new HttpServer(app);
        app.Run(context =>
        {
            int count;
            lock (server.Requests)
            {
                server.Requests.Add($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
                count = server.Requests.Count;
            }

            return answer(count, context);
        });
        await app.StartAsync();
        return server;
    }

    /// <summary>Waits for what is in hand: disposing alone does not, and a span may end after its answer has arrived.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
