using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace InferenceTemplate.Api.Auth;

public static class ApiKeyRegistration
{
    /// <summary>Adds the API key scheme; needs an NpgsqlDataSource and <c>Auth:ApiKeyPepper</c>.</summary>
    public static AuthenticationBuilder AddApiKeys(this AuthenticationBuilder builder)
    {
        builder.Services.AddSingleton<ApiKeyLookup>();
        return builder.AddScheme<AuthenticationSchemeOptions, ApiKeyAuthenticationHandler>(ApiKeyAuthenticationHandler.SchemeName, null);
    }

    /// <summary>Adds what makes and ends keys.</summary>
    public static IServiceCollection AddApiKeyRegistry(this IServiceCollection services)
    {
        services.AddOptions<ApiKeyOptions>().BindConfiguration(ApiKeyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ApiKeyHasher>();
        services.AddSingleton<ApiKeyRegistry>();
        return services;
    }
}
