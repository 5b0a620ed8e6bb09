using System.Text.Json;
using InferenceTemplate.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

/// <summary>A service with nothing but the defaults, on a real Kestrel at a free port.</summary>
internal sealed class Service : IAsyncDisposable
{
    /// <summary>The application's name, which must be that of an assembly.</summary>
    public static readonly string Name = typeof(Service).Assembly.GetName().Name!;

    private static readonly HttpClient Client = new(new SocketsHttpHandler { ActivityHeadersPropagator = null });

    private readonly WebApplication _app;

    private Service(WebApplication app) => _app = app;

    public IServiceProvider Services => _app.Services;

    public string Address => _app.Urls.First();

    public static async Task<Service> StartAsync(
        Action<WebApplication>? map = null,
        Action<WebApplicationBuilder>? configure = null,
        Action<IEndpointConventionBuilder>? authorizeDetailed = null,
        string environment = "Production",
        bool quiet = true,
        params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment, ApplicationName = Name });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        if (quiet) builder.Logging.ClearProviders();
        configure?.Invoke(builder);

        var app = builder.Build();
        app.MapDefaultEndpoints();
        var detailed = app.MapDetailedHealth();
        authorizeDetailed?.Invoke(detailed);
        map?.Invoke(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new Service(app);
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Address + path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

internal static class Responses
{
    public static Task<string> TextAsync(this HttpResponseMessage response) =>
        response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        JsonElement.Parse(await response.TextAsync());
}
