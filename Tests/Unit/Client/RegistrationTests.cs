using InferenceTemplate.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Client;

public sealed class RegistrationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("https+http://api", "/v2/models")]
    [InlineData("https+http://api/serving", "/serving/v2/models")]
    public async Task Client_finds_the_platform_by_service_discovery_and_sends_its_key(string address, string path)
    {
        var asked = "";
        await using var server = await FaultyServer.StartAsync((context, _) =>
        {
            asked = context.Request.Path;
            return context.AnswerAsync(200, """{"models":["digits"]}""");
        });
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create("services:api:http:0", (string?)server.Address)]).Build());
        services.AddServiceDiscovery();
        services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery());
        services.AddInferenceClient(options => (options.BaseAddress, options.ApiKey) = (new Uri(address), "a key"));
        await using var provider = services.BuildServiceProvider();

        Assert.Equal(["digits"], await provider.GetRequiredService<InferenceClient>().Models.ListAsync(Cancellation));
        Assert.Equal(path, asked);
        Assert.Equal("Bearer a key", server.Requests.Single().Authorization);
    }

    [Fact]
    public void Missing_address_is_named()
    {
        using var provider = new ServiceCollection().AddInferenceClient(_ => { }).Services.BuildServiceProvider();

        var refused = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<InferenceClient>);

        Assert.Contains("InferenceClientOptions.BaseAddress: an absolute address expected", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("schlüssel")]
    [InlineData("key\n")]
    public void Key_that_no_header_can_hold_is_named_and_not_shown(string key)
    {
        using var provider = new ServiceCollection()
            .AddInferenceClient(options => (options.BaseAddress, options.ApiKey) = (new Uri("http://api"), key))
            .Services.BuildServiceProvider();

        var refused = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<InferenceClient>);

        Assert.Equal("InferenceClientOptions.ApiKey: printable ASCII characters expected, without a line break", refused.Message);
    }

    [Fact]
    public void Package_needs_neither_the_platform_nor_aspnetcore() => Assert.DoesNotContain(
        typeof(InferenceClient).Assembly.GetReferencedAssemblies(),
        other => other.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
            || other.Name.StartsWith(typeof(InferenceClient).Namespace![..^"Client".Length], StringComparison.Ordinal));
}
