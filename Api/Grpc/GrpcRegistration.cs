using System.Net;
using Grpc.AspNetCore.Server;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Grpc;

/// <summary>The Open Inference Protocol v2 over gRPC, with gRPC's own health checks and reflection.</summary>
internal static class GrpcRegistration
{
    public static IServiceCollection AddGrpcInference(this IServiceCollection services)
    {
        services.AddOptions<GrpcOptions>().BindConfiguration(GrpcOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<GrpcOptions>>((kestrel, grpc) =>
            kestrel.ConfigureEndpointDefaults(listen =>
            {
                if (grpc.Value.Port > 0 && listen.EndPoint is IPEndPoint endpoint && endpoint.Port == grpc.Value.Port)
                {
                    listen.Protocols = HttpProtocols.Http2;
                }
            }));
        services.AddGrpc(options =>
        {
            // Else each would be an endpoint for everything that no other one answers.
            options.IgnoreUnknownServices = true;
            options.Interceptors.Add<GrpcErrors>();
        });
        services.AddOptions<GrpcServiceOptions>().Configure<IOptions<LimitOptions>>((options, limits) =>
        {
            options.MaxReceiveMessageSize = limits.Value.MaxBodyBytes;

            // Whoever runs a request bounds its answer.
            options.MaxSendMessageSize = null;
        });
        services.AddSingleton<GrpcErrors>();
        services.AddGrpcHealthChecks(health => health.Services.Map(GRPCInferenceService.Descriptor.FullName, _ => true));
        services.AddGrpcReflection();
        services.Configure<ErrorResponses>(errors => errors.Map($"/{GRPCInferenceService.Descriptor.FullName}", GrpcErrors.WriteAsync));
        return services;
    }

    public static void MapGrpcInference(this IEndpointRouteBuilder endpoints)
    {
        // The bound is one of messages, and a stream has any number of them.
        endpoints.MapGrpcService<InferenceService>()
            .RequireAuthorization(Policies.Infer)
            .WithMetadata(new DisableRequestSizeLimitAttribute())
            .ExcludeFromDescription();
        endpoints.MapGrpcHealthChecksService().AllowAnonymous().ExcludeFromDescription();
        endpoints.MapGrpcReflectionService().RequireAuthorization(Policies.Infer).ExcludeFromDescription();
    }
}
