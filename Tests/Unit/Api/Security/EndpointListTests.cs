using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Unit.Api.Security;

public sealed class EndpointListTests
{
    [Fact]
    public async Task Endpoint_that_says_nothing_of_its_callers_stops_the_start_and_is_named()
    {
        await using var app = App();
        app.MapGroup("/v1/things").MapPost("/{id}/forget", () => Results.Ok());

        var refusal = Assert.Throws<InvalidOperationException>(app.CheckEndpoints);

        Assert.Contains("POST /v1/things/{id}/forget", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("/open", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("/guarded", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Any_caller_who_is_known_is_no_policy()
    {
        await using var app = App();
        app.MapGet("/vague", () => Results.Ok()).RequireAuthorization();
        app.MapGet("/strange", () => Results.Ok()).RequireAuthorization(new AuthorizeAttribute("of another name"));

        var refusal = Assert.Throws<InvalidOperationException>(app.CheckEndpoints);

        Assert.Contains("GET /vague", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("GET /strange", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoints_with_a_policy_or_open_to_all_may_start()
    {
        await using var app = App();

        app.CheckEndpoints();
    }

    private static WebApplication App()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddAuthorization(Policies.Add);
        var app = builder.Build();
        app.MapGet("/open", () => Results.Ok()).AllowAnonymous();
        app.MapGroup("/guarded").RequireAuthorization(Policies.Administer).MapDelete("", () => Results.Ok());
        return app;
    }
}
