using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.ServiceDefaults.Errors;

namespace InferenceTemplate.Api.Models;

/// <summary>The model registry: <c>/v1/models</c>.</summary>
internal static class ModelEndpoints
{
    /// <summary>Adds what changes the registry.</summary>
    public static IServiceCollection AddModelRegistry(this IServiceCollection services)
    {
        services.AddSingleton<ModelAvailability>();
        services.AddSingleton<ModelEventLog>();
        services.AddSingleton<ModelPromotion>();
        services.AddSingleton<ModelRemoval>();
        return services;
    }

    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddOptions<ModelUploadOptions>().BindConfiguration(ModelUploadOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.Configure<ErrorResponses>(errors =>
            errors.MapOutage(e => e is ArtifactStoreUnavailableException, "the artifact store is unavailable: try again later"));
        return services;
    }

    public static void MapModels(this IEndpointRouteBuilder endpoints)
    {
        var named = endpoints.MapGroup("/v1/models").RequireAuthorization(Policies.Infer);
        named.MapModelList();
        named.MapModelRead();

        var read = endpoints.MapGroup("/v1/models").RequireAuthorization(Policies.Observe);
        read.MapModelReads();
        read.MapHistory();
        read.MapSampleRead();

        var write = endpoints.MapGroup("/v1/models").RequireAuthorization(Policies.Administer);
        write.MapUpload();
        write.MapDownload();
        write.MapSettings();
        write.MapAliases();
        write.MapLabels();
        write.MapSample();
        write.MapPromotion();
        write.MapDeletion();
    }

    /// <summary>Who is named in a model's history.</summary>
    public static string Actor(this ClaimsPrincipal caller) => caller.Identity?.Name ?? "unknown";
}
