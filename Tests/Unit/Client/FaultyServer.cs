using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using InferenceTemplate.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Unit.Client;

/// <summary>A real Kestrel at a free port that answers as a test says, by the number of the request, and a client of it.</summary>
internal sealed class FaultyServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ServiceProvider _services;

    private FaultyServer(WebApplication app, ConcurrentQueue<IHeaderDictionary> requests, Action<IServiceCollection>? configure)
    {
        _app = app;
        Requests = requests;
        var services = new ServiceCollection();
        configure?.Invoke(services);
        services.AddInferenceClient(options =>
        {
            options.BaseAddress = new Uri(Address);
            options.ApiKey = "a key";
        });
        _services = services.BuildServiceProvider();
    }

    public string Address => _app.Urls.First();

    /// <summary>Headers of the requests so far.</summary>
    public ConcurrentQueue<IHeaderDictionary> Requests { get; }

    public InferenceClient Client => _services.GetRequiredService<InferenceClient>();

    /// <summary>The client's own, with its address, key and repetitions.</summary>
    public HttpClient Http => _services.GetRequiredService<IHttpClientFactory>().CreateClient(nameof(InferenceClient));

    /// <param name="answer">Answers the n-th request, from 1.</param>
    /// <param name="configure">Services beside the client.</param>
    public static async Task<FaultyServer> StartAsync(Func<HttpContext, int, Task> answer, Action<IServiceCollection>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var requests = new ConcurrentQueue<IHeaderDictionary>();
        app.Run(context =>
        {
            // A copy: the server uses its own for the next request.
            requests.Enqueue(new HeaderDictionary(context.Request.Headers.ToDictionary()));
            return answer(context, requests.Count);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new FaultyServer(app, requests, configure);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>What the server answers.</summary>
internal static class FaultyAnswers
{
    public const string Job = """
        {"id":"01890a5d-ac96-774b-bcce-b302099a8057","state":"STATE","model_name":"m","model_version":"1","priority":"low","attempt":1,
         "max_attempts":3,"progress":0,"cancel_requested":false,"created_at":"2026-01-01T00:00:00Z","deadline_at":"2026-01-01T01:00:00Z"}
        """;

    public const string Version = """
        {"model":"m","version":"1","state":"pending","sha256":"","size_bytes":1,"inputs":[],"outputs":[],
         "created_at":"2026-01-01T00:00:00Z"}
        """;

    public static Task RefuseAsync(this HttpContext context, int status, string? retryAfter = null, string body = """{"error":"no"}""")
    {
        context.Response.Headers.RetryAfter = retryAfter;
        return context.AnswerAsync(status, body);
    }

    public static Task AnswerAsync(this HttpContext context, int status, string body, string type = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(body);
    }

    /// <summary>One output, <c>y</c>.</summary>
    public static async Task AnswerInferenceAsync(this HttpContext context, string datatype, byte[] data)
    {
        var head = Encoding.UTF8.GetBytes(
            $$$"""
            {"model_name":"m","model_version":"1",
             "outputs":[{"name":"y","datatype":"{{{datatype}}}","shape":[1],"parameters":{"binary_data_size":{{{data.Length}}}}}]}
            """);
        context.Response.Headers["Inference-Header-Content-Length"] = head.Length.ToString(CultureInfo.InvariantCulture);
        await context.Response.Body.WriteAsync(head);
        await context.Response.Body.WriteAsync(data);
    }
}
