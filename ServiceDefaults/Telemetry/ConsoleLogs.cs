using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Console;

namespace InferenceTemplate.ServiceDefaults.Telemetry;

/// <summary>
/// Logs one JSON object a line: UTC time, level, category, message and its values, and the scopes, among them the trace and span ids.
/// </summary>
internal static class ConsoleLogs
{
    private const string Section = "Logging:Console";

    // As the weakest configuration, so that appsettings and the environment win; Aspire sets FormatterName=simple in run mode, where
    // people read along, and then none of this applies.
    public static void AddConsoleLogs(this IHostApplicationBuilder builder)
    {
        if ((builder.Configuration[$"{Section}:FormatterName"] ?? ConsoleFormatterNames.Json) != ConsoleFormatterNames.Json) return;

        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?>
            {
                [$"{Section}:FormatterName"] = ConsoleFormatterNames.Json,
                [$"{Section}:FormatterOptions:IncludeScopes"] = "true",
                [$"{Section}:FormatterOptions:UseUtcTimestamp"] = "true",
                [$"{Section}:FormatterOptions:TimestampFormat"] = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
            },
        });
    }
}
