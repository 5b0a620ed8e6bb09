using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.ServiceDefaults.Secrets;

/// <summary>
/// No service starts outside Development with a secret that can be guessed. That one is there, and long enough, is the
/// business of the options that it belongs to.
/// </summary>
internal sealed class SecretCheck(IConfiguration configuration, IHostEnvironment environment) : IValidateOptions<SecretCheck.Marker>
{
    private static readonly string[] Keys =
        ["Auth:ApiKeyPepper", "Auth:JwtSigningKey", "Auth:AdminSecret", "Auth:Jwt:SigningKey", "Scaling:Token", "Direct:Secret"];

    // Several with commas between them while it is rotated.
    private const string Rotated = "DataProtection:Secret";

    public ValidateOptionsResult Validate(string? name, Marker options)
    {
        if (environment.IsDevelopment())
        {
            return ValidateOptionsResult.Success;
        }

        var rotated = (configuration[Rotated] ?? "").Split(',');
        var problems = Keys.Select(key => (Key: key, Secret: configuration[key]))
            .Concat(rotated.Select(secret => (Key: Rotated, Secret: (string?)secret)))
            .Where(given => !string.IsNullOrEmpty(given.Secret))
            .Select(given => (given.Key, Weakness: SecretStrength.WeaknessOf(given.Secret!)))
            .Where(found => found.Weakness is not null)
            .Select(found => $"{found.Key} {found.Weakness}: set it to a random value, such as `openssl rand -hex 32` gives.")
            .ToList();
        return problems.Count > 0 ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;
    }

    public static void Add(IServiceCollection services)
    {
        services.AddOptions<Marker>().ValidateOnStart();
        services.AddSingleton<IValidateOptions<Marker>, SecretCheck>();
    }

    /// <summary>Has the check run with those of the options, before anything else is started.</summary>
    internal sealed class Marker;
}
