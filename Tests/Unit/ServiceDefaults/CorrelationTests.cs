using Microsoft.AspNetCore.Builder;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

public sealed class CorrelationTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Theory]
    [InlineData("X-Correlation-Id", "order-17.b:2_c")]
    [InlineData("X-Request-Id", "f47ac10b-58cc-4372-a567-0e02b2c3d479")]
    public async Task Callers_id_returns(string header, string id)
    {
        await using var service = await Service.StartAsync();

        using var response = await service.GetAsync("/alive", (header, id));

        Assert.Equal(id, Assert.Single(response.Headers.GetValues("X-Correlation-Id")));
    }

    [Theory]
    [InlineData("with space")]
    [InlineData("{\"json\":1}")]
    [InlineData("<script>")]
    [InlineData(
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
    public async Task Id_unfit_for_logs_is_replaced_by_the_trace_id(string id)
    {
        await using var service = await Service.StartAsync();

        using var response = await service.GetAsync(
            "/alive", ("X-Correlation-Id", id), ("traceparent", $"00-{TraceId}-00f067aa0ba902b7-01"));

        Assert.Equal(TraceId, Assert.Single(response.Headers.GetValues("X-Correlation-Id")));
    }

    [Fact]
    public async Task Error_answer_has_the_id_too()
    {
        await using var service = await Service.StartAsync(app => app.MapGet("/boom", string () => throw new InvalidOperationException()));

        using var response = await service.GetAsync("/boom", ("X-Correlation-Id", "kept"));

        Assert.Equal("kept", Assert.Single(response.Headers.GetValues("X-Correlation-Id")));
    }
}
