using InferenceTemplate.ServiceDefaults;
using InferenceTemplate.Web.ApiClient;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Web;

/// <summary>How the console's calls behave where the Api refuses many, or can't be reached for a moment.</summary>
public sealed class ApiClientTests : IAsyncLifetime
{
    private const string Key = """
        {"id":"0190d2b4-0000-7000-8000-000000000001","prefix":"inf_a","name":"k","tenant":"t","role":"user","state":"active",
         "created_at":"2026-01-01T00:00:00Z"}
        """;

    private WebApplication _api = null!;
    private WebApplication _web = null!;
    private int _broken;
    private int _asked;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private AdministrationApi Administration => _web.Services.GetRequiredService<AdministrationApi>();

    public async ValueTask InitializeAsync()
    {
        var api = WebApplication.CreateSlimBuilder();
        api.WebHost.UseUrls("http://127.0.0.1:0");
        _api = api.Build();
        _api.MapFallback(AnswerAsync);
        await _api.StartAsync(Cancellation);

        var web = WebApplication.CreateBuilder();
        web.Configuration["services:api:http:0"] = _api.Urls.Single();
        web.AddServiceDefaults();
        web.AddInferenceApi();
        _web = web.Build();
    }

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task Refusals_of_one_tenant_do_not_end_the_calls_of_others()
    {
        for (var i = 0; i < 200; i++)
        {
            Assert.NotNull((await Administration.GetKeyAsync("limited", Guid.NewGuid(), Cancellation)).Failure);
        }

        Assert.Equal(200, _asked);
        Assert.Equal("k", (await Administration.GetKeyAsync("other", Guid.NewGuid(), Cancellation)).Value?.Name);
    }

    [Fact]
    public async Task What_only_reads_is_asked_again_after_a_broken_connection_and_nothing_else_is()
    {
        _broken = 1;
        Assert.Equal("k", (await Administration.GetKeyAsync("other", Guid.NewGuid(), Cancellation)).Value?.Name);
        Assert.Equal(2, _asked);

        _broken = 1;
        var revoked = await Administration.RevokeKeyAsync("other", Guid.NewGuid(), Cancellation);

        Assert.Equal((ApiFailure.Unreachable, 3), (revoked.Failure, _asked));
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _asked);
        if (Interlocked.Decrement(ref _broken) >= 0)
        {
            context.Abort();
        }
        else if (context.Request.Headers.Authorization == "Bearer limited")
        {
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = "30";
        }
        else
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Key, Cancellation);
        }
    }
}
