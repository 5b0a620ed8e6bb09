using System.Net;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.ServiceDefaults.Errors;
using InferenceTemplate.Tests.Unit.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Unit.Api;

/// <summary>Whatever part of the pipeline answers an error on <c>/v2</c>, its body is the protocol's.</summary>
public sealed class OpenInferenceErrorTests
{
    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(405)]
    [InlineData(408)]
    [InlineData(413)]
    [InlineData(415)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(501)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task Status_without_a_body_gets_one_of_the_protocol(int status)
    {
        await using var service = await StartAsync();

        using var response = await service.GetAsync($"/v2/status/{status}");

        await AssertErrorAsync(response, (HttpStatusCode)status);
    }

    [Theory]
    [InlineData("/v2/fails", HttpStatusCode.InternalServerError)]
    [InlineData("/v2/away", HttpStatusCode.ServiceUnavailable)]
    [InlineData("/v2/refused", HttpStatusCode.RequestEntityTooLarge)]
    [InlineData("/v2/nothing", HttpStatusCode.NotFound)]
    [InlineData("/v2", HttpStatusCode.NotFound)]
    public async Task Exception_and_unknown_path_get_a_body_of_the_protocol(string path, HttpStatusCode status)
    {
        await using var service = await StartAsync();

        using var response = await service.GetAsync(path);

        await AssertErrorAsync(response, status);
        Assert.Equal(status == HttpStatusCode.ServiceUnavailable, response.Headers.RetryAfter is not null);
    }

    [Fact]
    public async Task Path_that_only_begins_alike_is_answered_in_problem_details()
    {
        await using var service = await StartAsync();

        using var response = await service.GetAsync("/v20/nothing");

        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    private static Task<Service> StartAsync() => Service.StartAsync(
        app =>
        {
            app.MapGet("/v2/status/{status:int}", (int status) => Results.StatusCode(status));
            app.MapGet("/v2/fails", string () => throw new InvalidOperationException("hidden"));
            app.MapGet("/v2/away", string () => throw new TimeoutException("hidden"));
            app.MapGet("/v2/refused", string () => throw new BadHttpRequestException("too much", StatusCodes.Status413PayloadTooLarge));
        },
        builder =>
        {
            builder.Services.AddOpenInferenceErrors();
            builder.Services.Configure<ErrorResponses>(errors => errors.MapOutage(e => e is TimeoutException, "it is away: try again"));
        });

    private static async Task AssertErrorAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var property = Assert.Single((await response.JsonAsync()).EnumerateObject());
        Assert.Equal("error", property.Name);
        Assert.NotEmpty(property.Value.GetString()!);
        Assert.DoesNotContain("hidden", property.Value.GetString(), StringComparison.Ordinal);
    }
}
