using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace InferenceTemplate.Inference.Identity;

public static class ApiKeyRegistration
{
    /// <summary>Adds the API key scheme; needs an NpgsqlDataSource and <c>Auth:ApiKeyPepper</c>.</summary>
    public static AuthenticationBuilder AddApiKeys(this AuthenticationBuilder builder)
    {
        builder.Services.AddApiKeyRegistry();
        builder.Services.AddSingleton<ApiKeyLookup>();
        return builder.AddScheme<AuthenticationSchemeOptions, ApiKeyAuthenticationHandler>(ApiKeyAuthenticationHandler.SchemeName, null);
    }

    /// <summary>Adds what makes and ends keys, beside <see cref="InferenceRegistration.AddInference"/>.</summary>
    public static IServiceCollection AddApiKeyRegistry(this IServiceCollection services)
    {
        services.AddOptions<ApiKeyOptions>().BindConfiguration(ApiKeyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ApiKeyHasher>();
        services.AddSingleton<ApiKeyRegistry>();
        return services;
    }
}
