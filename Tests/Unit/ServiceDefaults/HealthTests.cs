using System.Net;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

public sealed class HealthTests
{
    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Alive_and_health_say_one_word_and_may_not_be_cached(string environment)
    {
        await using var service = await Service.StartAsync(environment: environment);

        foreach (var path in new[] { "/alive", "/health" })
        {
            using var response = await service.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("Healthy", await response.TextAsync());
            Assert.True(response.Headers.CacheControl!.NoStore);
        }
    }

    [Fact]
    public async Task Health_fails_without_details_when_a_component_does_while_the_process_stays_alive()
    {
        await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddCheck("database", () => HealthCheckResult.Unhealthy("no connection to secret-host")));

        using var alive = await service.GetAsync("/alive");
        using var health = await service.GetAsync("/health");

        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal("Unhealthy", await health.TextAsync());
    }

    [Fact]
    public async Task Process_ends_with_1_when_a_background_service_fails()
    {
        try
        {
            await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHostedService<FailingService>());
            await service.Services.GetRequiredService<IHost>().WaitForShutdownAsync(TestContext.Current.CancellationToken);

            Assert.Equal(1, Environment.ExitCode);
        }
        finally
        {
            Environment.ExitCode = 0;
        }
    }

    [Fact]
    public async Task Alive_fails_when_a_check_tagged_live_does()
    {
        await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddCheck("loop", () => HealthCheckResult.Unhealthy(), ["live"]));

        using var alive = await service.GetAsync("/alive");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, alive.StatusCode);
    }

    [Fact]
    public async Task Detailed_health_names_each_component_and_its_error()
    {
        await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddCheck("database", () => throw new InvalidOperationException("refused"))
            .AddCheck("queue", () => HealthCheckResult.Degraded("80 % full")));

        using var response = await service.GetAsync("/health/detailed");
        var report = await response.JsonAsync();

        Assert.Equal("Unhealthy", report.GetProperty("status").GetString());
        var checks = report.GetProperty("checks").EnumerateArray().ToDictionary(check => check.GetProperty("name").GetString()!);
        Assert.Equal(["database", "queue", "self", "stopping"], checks.Keys.Order());
        Assert.Equal("refused", checks["database"].GetProperty("error").GetString());
        Assert.Equal("Degraded", checks["queue"].GetProperty("status").GetString());
        Assert.Equal("80 % full", checks["queue"].GetProperty("description").GetString());
        Assert.True(checks["queue"].GetProperty("durationMs").GetDouble() >= 0);
    }

    [Fact]
    public async Task Service_that_is_told_to_stop_is_not_ready_but_serves_on_for_the_delay()
    {
        await using var service = await Service.StartAsync(settings: ("Shutdown:Delay", "00:01:00"));
        using var enough = new CancellationTokenSource();
        using var before = await service.GetAsync("/health");

        var stopping = service.Services.GetRequiredService<IHost>().StopAsync(enough.Token);
        service.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        using var ready = await service.GetAsync("/health");
        using var alive = await service.GetAsync("/alive");

        Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.False(stopping.IsCompleted);
        await enough.CancelAsync();
        await stopping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact]
    public async Task Delay_is_not_taken_from_the_time_to_finish_what_is_under_way()
    {
        await using var service = await Service.StartAsync(
            configure: builder => builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(65)),
            settings: ("Shutdown:Delay", "00:00:20"));

        Assert.Equal(TimeSpan.FromSeconds(85), service.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
    }

    [Fact]
    public async Task Only_detailed_health_asks_who_is_there()
    {
        await using var service = await Service.StartAsync(
            configure: builder =>
            {
                builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme)
                    .AddCookie(options => options.Events.OnRedirectToLogin = context =>
                    {
                        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                        return Task.CompletedTask;
                    });
                builder.Services.AddAuthorizationBuilder()
                    .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
            },
            authorizeDetailed: endpoint => endpoint.RequireAuthorization());

        var statuses = new List<HttpStatusCode>();
        foreach (var path in new[] { "/alive", "/health", "/metrics", "/health/detailed" })
        {
            using var response = await service.GetAsync(path);
            statuses.Add(response.StatusCode);
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Unauthorized], statuses);
    }

    [Fact]
    public async Task Check_that_never_ends_fails_by_its_timeout()
    {
        await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddAsyncCheck("deaf", () => new TaskCompletionSource<HealthCheckResult>().Task, timeout: TimeSpan.FromMilliseconds(50)));

        using var response = await service.GetAsync("/health");

        Assert.Equal("Unhealthy", await response.TextAsync());
    }

    [Fact]
    public async Task Every_check_has_a_timeout()
    {
        await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddCheck("other", () => HealthCheckResult.Healthy()));

        var registrations = service.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations;

        Assert.All(
            registrations, registration => Assert.InRange(registration.Timeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(2)));
    }

    private sealed class FailingService(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Delay(TimeSpan.FromMinutes(1), lifetime.ApplicationStarted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new InvalidOperationException("failed");
        }
    }
}
