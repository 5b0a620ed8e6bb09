using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Tests.Offline.Telemetry;

public sealed class HttpResilienceTests
{
    [Fact]
    public void Defaults_are_those_of_the_real_package()
    {
        using var services = Client(_ => { });

        var options = services.GetRequiredService<IOptionsMonitor<HttpStandardResilienceOptions>>().Get("test-standard");

        Assert.Equal(TimeSpan.FromSeconds(30), options.TotalRequestTimeout.Timeout);
        Assert.Equal(TimeSpan.FromSeconds(10), options.AttemptTimeout.Timeout);
        Assert.Equal((3, TimeSpan.FromSeconds(2), DelayBackoffType.Exponential, true),
            (options.Retry.MaxRetryAttempts, options.Retry.Delay, options.Retry.BackoffType, options.Retry.UseJitter));
        Assert.Equal((0.1, 100, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(5)),
            (options.CircuitBreaker.FailureRatio, options.CircuitBreaker.MinimumThroughput, options.CircuitBreaker.SamplingDuration, options.CircuitBreaker.BreakDuration));
    }

    [Fact]
    public async Task Retry_repeats_what_fails_for_a_moment()
    {
        await using var server = await HttpServer.StartAsync(FailFirst);
        using var services = Client(_ => { });

        using var response = await Send(services, new HttpRequestMessage(HttpMethod.Get, server.Address));

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Retry_works_without_a_task_too()
    {
        await using var server = await HttpServer.StartAsync(FailFirst);
        using var services = Client(_ => { });
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);

        using var response = services.GetRequiredService<IHttpClientFactory>().CreateClient("test").Send(request, TestContext.Current.CancellationToken);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Retry_repeats_a_post_unless_told_not_to()
    {
        await using var server = await HttpServer.StartAsync(FailFirst);
        using var services = Client(_ => { });

        using var response = await Send(services, new HttpRequestMessage(HttpMethod.Post, server.Address));

        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Retry_leaves_a_post_alone_when_disabled_for_unsafe_methods()
    {
        await using var server = await HttpServer.StartAsync(FailFirst);
#pragma warning disable EXTEXP0001
        using var services = Client(options => options.Retry.DisableForUnsafeHttpMethods());
#pragma warning restore EXTEXP0001

        using var post = await Send(services, new HttpRequestMessage(HttpMethod.Post, server.Address));
        Assert.Equal(503, (int)post.StatusCode);

        // No answer at all: the request is known by the pipeline, not by a response.
        await Assert.ThrowsAsync<HttpRequestException>(() => Send(services, new HttpRequestMessage(HttpMethod.Post, "http://127.0.0.1:1/")));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Attempt_timeout_ends_a_request_that_hangs()
    {
        await using var server = await HttpServer.StartAsync((_, context) => Task.Delay(Timeout.Infinite, context.RequestAborted));
        using var services = Client(options =>
        {
            options.AttemptTimeout.Timeout = TimeSpan.FromMilliseconds(100);
            options.Retry.MaxRetryAttempts = 1;
            options.Retry.Delay = TimeSpan.Zero;
        });

        await Assert.ThrowsAsync<TimeoutRejectedException>(() => Send(services, new HttpRequestMessage(HttpMethod.Get, server.Address)));

        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Circuit_breaker_opens_for_the_failing_authority_only()
    {
        await using var broken = await HttpServer.StartAsync(Answer(500));
        await using var sound = await HttpServer.StartAsync(Answer(200));
        using var services = Client(options =>
        {
            options.Retry.ShouldHandle = _ => new(false);
            options.CircuitBreaker.MinimumThroughput = 2;
        });

        for (var i = 0; i < 2; i++) using (await Send(services, new HttpRequestMessage(HttpMethod.Get, broken.Address))) { }

        await Assert.ThrowsAsync<BrokenCircuitException>(() => Send(services, new HttpRequestMessage(HttpMethod.Get, broken.Address)));
        using var response = await Send(services, new HttpRequestMessage(HttpMethod.Get, sound.Address));
        Assert.Equal(200, (int)response.StatusCode);
    }

    [Fact]
    public void Options_are_refused_when_the_breaker_could_not_see_the_failures()
    {
        using var services = Client(options => options.CircuitBreaker.SamplingDuration = TimeSpan.FromSeconds(5));

        Assert.Throws<OptionsValidationException>(() =>
            services.GetRequiredService<IOptionsMonitor<HttpStandardResilienceOptions>>().Get("test-standard"));
    }

    private static Func<int, HttpContext, Task> Answer(int status) => (_, context) =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    // Retry-After makes the wait nothing, and is itself tested by that.
    private static Task FailFirst(int count, HttpContext context)
    {
        if (count > 1) return Task.CompletedTask;
        context.Response.Headers.RetryAfter = "0";
        context.Response.StatusCode = 503;
        return Task.CompletedTask;
    }

    private static ServiceProvider Client(Action<HttpStandardResilienceOptions> configure)
    {
        var services = new ServiceCollection();
        services.AddHttpClient("test").AddStandardResilienceHandler(configure).SelectPipelineByAuthority();
        return services.BuildServiceProvider();
    }

    private static Task<HttpResponseMessage> Send(ServiceProvider services, HttpRequestMessage request) =>
        services.GetRequiredService<IHttpClientFactory>().CreateClient("test").SendAsync(request, TestContext.Current.CancellationToken);
}
