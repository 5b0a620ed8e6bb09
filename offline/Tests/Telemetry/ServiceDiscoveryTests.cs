using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Tests.Offline.Telemetry;

public sealed class ServiceDiscoveryTests
{
    [Fact]
    public async Task Client_finds_a_service_by_name_and_takes_turns()
    {
        await using var first = await HttpServer.StartAsync((_, context) => context.Response.WriteAsync("first"));
        await using var second = await HttpServer.StartAsync((_, context) => context.Response.WriteAsync("second"));
        using var services = Services(("services:api:http:0", first.Address.ToString()), ("services:api:http:1", second.Address.ToString()));

        var answers = new List<string>();
        for (var i = 0; i < 4; i++) answers.Add(await Get(services, "https+http://api/v2/models?x=1"));

        Assert.Equal(2, answers.Count(answer => answer == "first"));
        Assert.Equal(2, answers.Count(answer => answer == "second"));
        Assert.All(first.Requests, request => Assert.Equal("GET /v2/models?x=1", request));
    }

    [Fact]
    public async Task Scheme_list_prefers_its_first_scheme()
    {
        await using var http = await HttpServer.StartAsync((_, context) => context.Response.WriteAsync("http"));
        using var services = Services(
            ("services:api:https:0", "https://127.0.0.1:1"), ("services:api:http:0", http.Address.ToString()));

        Assert.Equal("http", await Get(services, "http+https://api/"));
        await Assert.ThrowsAsync<HttpRequestException>(() => Get(services, "https+http://api/"));
    }

    [Fact]
    public async Task Named_endpoint_is_its_own_and_keeps_the_base_path()
    {
        await using var metrics = await HttpServer.StartAsync((_, context) => context.Response.WriteAsync("metrics"));
        using var services = Services(("Services:worker:metrics:0", metrics.Address + "base/"), ("Services:worker:http:0", "http://127.0.0.1:1"));

        Assert.Equal("metrics", await Get(services, "http://_metrics.worker/all"));
        Assert.Equal(["GET /base/all"], metrics.Requests);
    }

    [Fact]
    public async Task Address_without_configuration_passes_through()
    {
        await using var server = await HttpServer.StartAsync((_, context) => context.Response.WriteAsync("plain"));
        using var services = Services();

        Assert.Equal("plain", await Get(services, server.Address.ToString()));
        Assert.Equal("plain", await Get(services, $"http+https://127.0.0.1:{server.Address.Port}/"));
    }

    [Fact]
    public async Task Malformed_endpoint_is_named_in_the_error()
    {
        using var services = Services(("services:api:http:0", "http://:x:"));

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => Get(services, "http://api/"));

        Assert.Contains("services:api:http", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    private static Task<string> Get(ServiceProvider services, string address) =>
        services.GetRequiredService<HttpClient>().GetStringAsync(new Uri(address), TestContext.Current.CancellationToken);

    private static ServiceProvider Services(params (string Key, string Value)[] settings)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build());
        services.AddServiceDiscovery();
        services.AddHttpClient("").AddServiceDiscovery();
        services.AddTransient(provider => provider.GetRequiredService<IHttpClientFactory>().CreateClient(""));
        return services.BuildServiceProvider();
    }
}
