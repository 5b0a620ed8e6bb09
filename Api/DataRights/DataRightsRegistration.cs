using InferenceTemplate.Data;

namespace InferenceTemplate.Api.DataRights;

public static class DataRightsRegistration
{
    /// <summary>Adds export and erasure of tenants' data, and the service that erases what is due.</summary>
    public static IServiceCollection AddDataRights(this IServiceCollection services)
    {
        services.AddOptions<DataRightsOptions>().BindConfiguration(DataRightsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<TenantExport>();
        services.AddSingleton<ExportSlots>();
        services.AddSingleton<TenantErasure>();
        services.AddHostedServiceAfterSchema<ErasureService>();
        return services;
    }
}
