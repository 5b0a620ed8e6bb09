using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds parameters.</summary>
public static class ParameterResourceBuilderExtensions
{
    public static IResourceBuilder<ParameterResource> AddParameter(this IDistributedApplicationBuilder builder, string name, bool secret = false) =>
        builder.AddResource(CreateParameter(builder, name, secret));

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, string value, bool publishValueAsDefault = false, bool secret = false) =>
        builder.AddParameter(name, () => value, publishValueAsDefault, secret);

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, Func<string> valueGetter, bool publishValueAsDefault = false, bool secret = false) =>
        publishValueAsDefault && secret
            ? throw new ArgumentException("A parameter cannot be both secret and published as a default value.", nameof(secret))
            : builder.AddResource(new ParameterResource(name, _ => valueGetter(), secret)
            {
                Default = publishValueAsDefault ? new ConstantParameterDefault(valueGetter) : null,
            });

    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder, string name, ParameterDefault value, bool secret = false, bool persist = false) =>
        builder.AddResource(WithDefault(builder, name, secret, value, persist));

    public static IResourceBuilder<ParameterResource> AddParameterFromConfiguration(
        this IDistributedApplicationBuilder builder, string name, string configurationKey, bool secret = false) =>
        builder.AddResource(new ParameterResource(name, d => Value(builder, configurationKey, name, d), secret));

    public static ParameterResource CreateParameter(IDistributedApplicationBuilder builder, string name, bool secret) =>
        new(name, d => Value(builder, $"Parameters:{name}", name, d), secret);

    public static ParameterResource CreateDefaultPasswordParameter(
        IDistributedApplicationBuilder builder,
        string name,
        bool lower = true,
        bool upper = true,
        bool numeric = true,
        bool special = true,
        int minLower = 0,
        int minUpper = 0,
        int minNumeric = 0,
        int minSpecial = 0) =>
        WithDefault(
            builder,
            name,
            secret: true,
            new GenerateParameterDefault
            {
                Lower = lower,
                Upper = upper,
                Numeric = numeric,
                Special = special,
                MinLower = minLower,
                MinUpper = minUpper,
                MinNumeric = minNumeric,
                MinSpecial = minSpecial,
            },
            persist: true);

    private static ParameterResource WithDefault(
        IDistributedApplicationBuilder builder, string name, bool secret, ParameterDefault value, bool persist)
    {
        var parameter = CreateParameter(builder, name, secret);
        parameter.Default = persist && builder.ExecutionContext.IsRunMode
            ? new PersistedParameterDefault(name, value, Concrete(builder).Secrets)
            : value;
        return parameter;
    }

    private static string Value(IDistributedApplicationBuilder builder, string key, string name, ParameterDefault? fallback) =>
        builder.Configuration[key]
        ?? builder.Configuration[key.Replace('-', '_')] // a shell cannot export a variable with a hyphen
        ?? fallback?.GetDefaultValue()
        ?? throw new MissingParameterValueException(
            $"Parameter '{name}' has no value. Set {key} in the AppHost's configuration, for example by the environment variable {key.Replace('-', '_').Replace(":", "__", StringComparison.Ordinal)}.");

    internal static DistributedApplicationBuilder Concrete(IDistributedApplicationBuilder builder) => builder as DistributedApplicationBuilder
        ?? throw new InvalidOperationException($"{builder.GetType()} is not made by DistributedApplication.CreateBuilder.");
}
