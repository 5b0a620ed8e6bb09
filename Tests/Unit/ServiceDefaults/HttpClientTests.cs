using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

public sealed class HttpClientTests
{
    [Fact]
    public async Task Client_finds_a_service_by_name_and_repeats_only_what_is_safe()
    {
        var calls = new List<string>();
        await using var other = await Service.StartAsync(app => app.Map("/work", (HttpContext context) =>
        {
            calls.Add(context.Request.Method);
            context.Response.Headers.RetryAfter = "0";
            return Results.StatusCode(503);
        }));
        await using var service = await Service.StartAsync(settings: ("services:other:http:0", other.Address));
        using var client = service.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

        using var get = await client.GetAsync(new Uri("https+http://other/work"), TestContext.Current.CancellationToken);
        using var post = await client.PostAsync(new Uri("https+http://other/work"), null, TestContext.Current.CancellationToken);

        Assert.Equal(["GET", "GET", "GET", "GET", "POST"], calls);
    }
}
