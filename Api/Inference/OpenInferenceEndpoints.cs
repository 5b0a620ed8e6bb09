using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

/// <summary>The Open Inference Protocol v2 over REST.</summary>
internal static class OpenInferenceEndpoints
{
    // A call that was taken is answered before the server stops: its longest timeout, and this for sending the answer.
    private static readonly TimeSpan AfterCalls = TimeSpan.FromSeconds(5);

    public static IServiceCollection AddOpenInference(this IServiceCollection services)
    {
        services.AddOpenInferenceErrors();
        services.AddOptions<LimitOptions>().BindConfiguration(LimitOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<LimitOptions>>((kestrel, limits) =>
            kestrel.Limits.MaxRequestBodySize = limits.Value.MaxBodyBytes);
        services.AddOptions<HostOptions>().Configure<IOptions<QueueOptions>>((host, queue) =>
        {
            var calls = queue.Value.MaxTimeout + AfterCalls;
            if (calls > host.ShutdownTimeout) host.ShutdownTimeout = calls;
        });
        services.AddSingleton<Telemetry>();
        services.AddSingleton<ReplyInbox>();
        services.AddHostedService(provider => provider.GetRequiredService<ReplyInbox>());
        services.AddHostedService<QueueLossWatch>();
        services.AddHostedService<RedisSettings>();
        services.AddSingleton<QueueRejections>();
        services.AddSingleton<InferenceCalls>();
        services.AddSingleton<CachedCalls>();
        services.AddSingleton<InferRecords>();
        services.AddSingleton<InferInput>();
        services.AddSingleton<BodyBudget>();
        services.AddSingleton<InferPipeline>();
        services.AddSingleton<Infer>();
        return services;
    }

    public static void MapOpenInference(this IEndpointRouteBuilder endpoints)
    {
        var v2 = endpoints.MapGroup("/v2").RequireAuthorization(Policies.Infer).WithMetadata(new UnknownModel((model, version) =>
            OpenInferenceErrors.Error(StatusCodes.Status404NotFound, CatalogSnapshot.Empty.WhyNot(model, version))));
        v2.MapServer();
        v2.MapRepository();
        v2.MapModelList();
        v2.MapStatistics();
        foreach (var model in (string[])["/models/{model}", "/models/{model}/versions/{version}"])
        {
            v2.MapModelMetadata(model);
            v2.MapModelConfiguration(model);
            v2.MapModelStatistics(model);
            v2.MapInfer(model);
        }
    }
}
