using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Api.Security;
using InferenceTemplate.ServiceDefaults.Errors;

namespace InferenceTemplate.Api.Embeddings;

/// <summary>Models that embed text, by the protocols that their clients speak.</summary>
internal static class EmbeddingsRegistration
{
    public static IServiceCollection AddEmbeddings(this IServiceCollection services)
    {
        services.AddSingleton<EmbeddingCalls>();
        services.Configure<ErrorResponses>(errors =>
        {
            errors.Map("/v1/embeddings", OpenAiErrors.WriteAsync);
            errors.Map("/v1/rerank", OpenAiErrors.WriteAsync);
            errors.Map("/v2/rerank", OpenAiErrors.WriteAsync);
        });
        return services;
    }

    public static void MapEmbeddings(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").RequireAuthorization(Policies.Infer).WithMetadata(new OpenQuery());
        group.MapEmbed();
        group.MapRerank();
    }
}
