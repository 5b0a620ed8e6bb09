using System.Net.Http.Headers;
using InferenceTemplate.Client;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Polly;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds <see cref="InferenceClient"/> to services.</summary>
public static class InferenceClientServices
{
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Adds <see cref="InferenceClient"/>. It sends again what does no harm twice, up to three times: reads, calls and submissions of jobs,
    /// after a failed connection, 502 or 503, or 409 and 429 with <c>Retry-After</c>, unless that is longer than 10 s. Resilience handlers
    /// that apply to all clients are removed from this one: their timeouts are shorter than an upload or a run.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the address, which service discovery may resolve, and the key.</param>
    /// <returns>The client's builder, for handlers of your own.</returns>
    public static IHttpClientBuilder AddInferenceClient(this IServiceCollection services, Action<InferenceClientOptions> configure)
    {
        services.AddOptions<InferenceClientOptions>()
            .Configure(configure)
            .Validate(
                options => options.BaseAddress is { IsAbsoluteUri: true },
                $"{nameof(InferenceClientOptions)}.{nameof(InferenceClientOptions.BaseAddress)}: an absolute address expected, such as "
                + "https+http://api")
            .Validate(
                options => options.GrpcAddress is null or { IsAbsoluteUri: true, Scheme: "http" or "https" },
                $"{nameof(InferenceClientOptions)}.{nameof(InferenceClientOptions.GrpcAddress)}: an address with http or https expected")
            .Validate(
                options => !options.ApiKey.AsSpan().ContainsAnyExceptInRange(' ', '~'),
                $"{nameof(InferenceClientOptions)}.{nameof(InferenceClientOptions.ApiKey)}: printable ASCII characters expected, without a "
                + "line break");
        services.TryAddSingleton(provider => new GrpcCalls(
            OptionsOf(provider).GrpcAddress!, OptionsOf(provider).ApiKey,
            provider.GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler(nameof(InferenceClient))));
        var builder = services.AddHttpClient(nameof(InferenceClient), (provider, http) =>
        {
            var options = OptionsOf(provider);
            var address = options.BaseAddress!.AbsoluteUri;
            http.BaseAddress = address.EndsWith('/') ? options.BaseAddress : new Uri(address + "/");
            http.Timeout = Timeout.InfiniteTimeSpan;
            if (options.ApiKey is { } key)
            {
                http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
            }
        }).AddTypedClient((http, provider) => new InferenceClient(
            http, OptionsOf(provider).GrpcAddress is null ? null : provider.GetRequiredService<GrpcCalls>()));

        // A server takes some 100 calls on one HTTP/2 connection, and those beyond would wait; addresses change while a program runs.
        builder.ConfigurePrimaryHttpMessageHandler((handler, _) =>
        {
            if (handler is SocketsHttpHandler sockets)
            {
                sockets.EnableMultipleHttp2Connections = true;
                if (sockets.PooledConnectionLifetime == Timeout.InfiniteTimeSpan)
                {
                    sockets.PooledConnectionLifetime = ConnectionLifetime;
                }
            }
        });

        // The API is complete but still marked.
#pragma warning disable EXTEXP0001
        builder.RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        builder.AddResilienceHandler("inference", pipeline => pipeline.AddRetry(RepeatPolicy.Options));
        return builder;
    }

    private static InferenceClientOptions OptionsOf(IServiceProvider provider) =>
        provider.GetRequiredService<IOptions<InferenceClientOptions>>().Value;
}
