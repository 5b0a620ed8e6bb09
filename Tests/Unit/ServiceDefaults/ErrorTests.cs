using System.Net;
using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

public sealed class ErrorTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private static readonly (string, string) TraceParent = ("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Unexpected_failure_answers_problem_details_with_the_trace_id_and_nothing_of_the_exception(string environment)
    {
        await using var service = await Service.StartAsync(MapErrors, environment: environment);

        using var response = await service.GetAsync("/boom", TraceParent);
        var text = await response.TextAsync();

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(TraceId, (await response.JsonAsync()).GetProperty("traceId").GetString());
        Assert.DoesNotContain("hidden", text, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Unexpected_failure_is_logged_once(string environment)
    {
        using var logs = new FakeLoggerProvider();
        await using var service = await Service.StartAsync(
            MapErrors, builder => builder.Logging.AddProvider(logs), environment: environment);

        using var response = await service.GetAsync("/boom");

        var error = Assert.Single(logs.Collector.GetSnapshot(), line => line.Level >= LogLevel.Error);
        Assert.Equal("hidden", error.Exception?.Message);
    }

    [Theory]
    [InlineData("/v2/boom", HttpStatusCode.InternalServerError)]
    [InlineData("/v2/nothing", HttpStatusCode.NotFound)]
    public async Task Path_with_a_form_of_its_own_answers_in_it(string path, HttpStatusCode status)
    {
        await using var service = await Service.StartAsync(MapErrors, builder => builder.Services.Configure<ErrorResponses>(errors =>
            errors.Map("/v2", (context, message) => context.Response.WriteAsJsonAsync(new { error = message }))));

        using var response = await service.GetAsync(path);
        var body = await response.JsonAsync();

        Assert.Equal(status, response.StatusCode);
        Assert.Equal("error", Assert.Single(body.EnumerateObject()).Name);
        Assert.DoesNotContain("hidden", body.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_without_a_body_gets_problem_details()
    {
        await using var service = await Service.StartAsync(MapErrors);

        using var response = await service.GetAsync("/nothing", TraceParent);
        var problem = await response.JsonAsync();

        Assert.Equal(404, problem.GetProperty("status").GetInt32());
        Assert.Equal(TraceId, problem.GetProperty("traceId").GetString());
        Assert.Equal("Not Found: GET /nothing", problem.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Request_that_the_framework_refuses_keeps_its_status_and_is_no_error()
    {
        using var logs = new FakeLoggerProvider();
        await using var service = await Service.StartAsync(MapErrors, builder => builder.Logging.AddProvider(logs));

        using var response = await service.GetAsync("/refused");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal("too large by far", (await response.JsonAsync()).GetProperty("detail").GetString());
        Assert.DoesNotContain(logs.Collector.GetSnapshot(), line => line.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task Developer_sees_the_exception_in_a_browser()
    {
        await using var service = await Service.StartAsync(MapErrors, environment: "Development");

        using var response = await service.GetAsync("/boom", ("Accept", "text/html"));

        Assert.Contains("hidden", await response.TextAsync(), StringComparison.Ordinal);
    }

    private static void MapErrors(WebApplication app)
    {
        app.MapGet("/boom", string () => throw new InvalidOperationException("hidden"));
        app.MapGet("/v2/boom", string () => throw new InvalidOperationException("hidden"));
        app.MapGet("/refused", string () => throw new BadHttpRequestException("too large by far", StatusCodes.Status413PayloadTooLarge));
    }
}
