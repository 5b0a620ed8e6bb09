using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>
/// Starts the options from the connection string, which <see cref="ConfigurationOptions.Parse(string)"/> reads only into a new object,
/// so that every Configure and PostConfigure of the application still applies.
/// </summary>
internal sealed class ConfigurationOptionsFactory(
    StackExchangeRedisSettings settings,
    IEnumerable<IConfigureOptions<ConfigurationOptions>> setups,
    IEnumerable<IPostConfigureOptions<ConfigurationOptions>> postConfigures,
    IEnumerable<IValidateOptions<ConfigurationOptions>> validations)
    : OptionsFactory<ConfigurationOptions>(setups, postConfigures, validations)
{
    protected override ConfigurationOptions CreateInstance(string name)
    {
        if (settings.ConnectionString is not { } connectionString)
        {
            return new ConfigurationOptions { AbortOnConnectFail = false };
        }

        var options = ConfigurationOptions.Parse(connectionString);
        if (!connectionString.Contains("abortConnect=", StringComparison.OrdinalIgnoreCase))
        {
            // Retry: at start-up Redis may well come later than its clients.
            options.AbortOnConnectFail = false;
        }

        return options;
    }
}
