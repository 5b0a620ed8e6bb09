using System.Collections.Concurrent;
using System.Net;
using InferenceTemplate.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Unit.Client;

public sealed class GrpcConnectionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_beyond_those_that_a_connection_takes_have_one_more_and_the_handlers_of_the_client()
    {
        const int Calls = 3;
        var (connections, keys) = (new ConcurrentBag<string>(), new ConcurrentBag<string>());
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        app.Run(async context =>
        {
            keys.Add(context.Request.Headers["x-own"].ToString());
            connections.Add(context.Connection.Id);
            if (connections.Count == Calls)
            {
                // The last two may both see the last.
                all.TrySetResult();
            }

            // None is answered before all are there.
            await all.Task.WaitAsync(context.RequestAborted);
            context.Response.ContentType = "application/grpc";
            context.Response.Headers["grpc-status"] = "5";
        });
        await app.StartAsync(Cancellation);
        var services = new ServiceCollection();
        var address = new Uri(app.Urls.First());
        services.AddTransient<OwnHandler>();
        services.AddInferenceClient(options => (options.BaseAddress, options.GrpcAddress) = (address, address))
            .AddHttpMessageHandler<OwnHandler>();
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<InferenceClient>();

        var failed = await Task.WhenAll(Enumerable.Range(0, Calls).Select(_ => Assert.ThrowsAsync<InferenceException>(() =>
            client.InferAsync(
                "m", [InferenceTensor.Create<float>("x", [1], [1])], new() { Timeout = TimeSpan.FromSeconds(20) }, Cancellation))));

        Assert.All(failed, each => Assert.Equal(InferenceError.NotFound, each.Error));
        Assert.Equal(Calls, connections.Distinct().Count());
        Assert.All(keys, key => Assert.Equal("yes", key));
    }

    private sealed class OwnHandler : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Add("x-own", "yes");
            return base.SendAsync(request, cancellationToken);
        }
    }
}
