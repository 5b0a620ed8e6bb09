using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Audit;

public static class AuditRegistration
{
    /// <summary>Adds the audit chain, its writer and its verifier.</summary>
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddSingleton<AuditChain>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<AuditFeed>();
        services.AddSingleton<AuditVerifier>();
        services.AddSingleton<AuditPruning>();
        services.AddHostedServiceAfterSchema<AuditWriter>();
        return services;
    }
}
