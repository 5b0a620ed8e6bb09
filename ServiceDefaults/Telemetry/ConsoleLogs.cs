using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Console;

namespace InferenceTemplate.ServiceDefaults.Telemetry;

/// <summary>
/// Logs one JSON object a line: UTC time, level, category, message and its values, and the scopes, among them the trace and span ids.
/// </summary>
internal static class ConsoleLogs
{
    private const string Console = "Logging:Console";

    // The frameworks' own account of each request, call and query: traces and metrics tell the same for less.
    private static readonly Dictionary<string, string?> Levels = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        // It throws what it has logged, and whoever answers the request logs it once more.
        ["Logging:LogLevel:Microsoft.AspNetCore.Authentication.JwtBearer.JwtBearerHandler"] = "Critical",
        // Failures are told by whoever asked; at the first start neither the migrations' table nor any other is there.
        ["Logging:LogLevel:Microsoft.EntityFrameworkCore.Database.Command"] = "Critical",
        ["Logging:LogLevel:Microsoft.EntityFrameworkCore.Query"] = "Critical",
        // One line for every failing check of every probe; HealthChanges tells each change once.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks.DefaultHealthCheckService"] = "None",
        ["Logging:LogLevel:Npgsql.Command"] = "Warning",
        ["Logging:LogLevel:Npgsql.Copy"] = "Warning",
        ["Logging:LogLevel:Polly"] = "Warning",
        ["Logging:LogLevel:System.Net.Http.HttpClient"] = "Warning",
    };

    private static readonly Dictionary<string, string?> Json = new()
    {
        [$"{Console}:FormatterName"] = ConsoleFormatterNames.Json,
        [$"{Console}:FormatterOptions:IncludeScopes"] = "true",
        [$"{Console}:FormatterOptions:UseUtcTimestamp"] = "true",
        [$"{Console}:FormatterOptions:TimestampFormat"] = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
    };

    // As the weakest configuration, so that appsettings and the environment win. Aspire sets FormatterName=simple in run mode, where
    // people read along; JSON's options are not for that formatter.
    public static void AddConsoleLogs(this IHostApplicationBuilder builder)
    {
        var chosen = builder.Configuration[$"{Console}:FormatterName"];
        if (chosen is null or ConsoleFormatterNames.Json) AddWeakest(builder.Configuration, Json);
        AddWeakest(builder.Configuration, Levels);
    }

    private static void AddWeakest(IConfigurationBuilder configuration, Dictionary<string, string?> settings) =>
        configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = settings });
}
