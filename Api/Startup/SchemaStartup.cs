using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Startup;

/// <summary>
/// Brings the schema up to date and the first admin key into it, while the Api already answers its probes: until then
/// <c>/health</c> says no and Kubernetes sends nothing here.
/// </summary>
internal sealed class SchemaStartup(SchemaMigrator migrator, FirstAdminKey adminKey) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!await TryAsync(stoppingToken))
            {
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped while the database was away.
        }
    }

    private async Task<bool> TryAsync(CancellationToken stoppingToken)
    {
        try
        {
            await migrator.MigrateAsync(stoppingToken);
            await adminKey.EnsureAsync(stoppingToken);
            return true;
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception))
        {
            // Between the migrations and the key; whoever waits for either is told that the database is away.
            return false;
        }
    }
}

internal static class StartupRegistration
{
    public static IServiceCollection AddStartup(this IServiceCollection services)
    {
        services.AddOptions<StartupOptions>().BindConfiguration(StartupOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<FirstAdminKey>();
        services.AddHostedService<SchemaStartup>();
        services.Configure<ErrorResponses>(errors =>
        {
            errors.MapOutage(Outages.IsDatabaseAway, "the database is unavailable: try again later");
            errors.MapOutage(Outages.IsQueueAway, "the queue is unavailable: try again later");
            errors.MapRefusal(Outages.IsTextRefused, "a text contains the character U+0000, which can't be stored or searched for");
            errors.MapRefusal(IsNoText, "a text of the body is not Unicode: half of a surrogate pair stands alone");
        });
        return services;
    }

    // How System.Text.Json says so where a text is read later than its JSON.
    private static bool IsNoText(Exception exception) =>
        exception is InvalidOperationException { Source: "System.Text.Json.Rethrowable" }
        && exception.Message.Contains("UTF", StringComparison.Ordinal);

    /// <summary><c>Api --migrate</c>: applies migrations and ends, for pipelines that do so before they deploy.</summary>
    /// <returns>The exit code: 0 when the schema is current.</returns>
    public static async Task<int> MigrateAsync(this WebApplication app)
    {
        var within = app.Services.GetRequiredService<IOptions<StartupOptions>>().Value.MigrateWithin;
        using var limit = new CancellationTokenSource(within);
        try
        {
            await app.Services.GetRequiredService<SchemaMigrator>().MigrateAsync(limit.Token);
            return 0;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync(
                $"The schema could not be brought up to date within {within} (Startup:MigrateWithin): is the database there?");
            return 1;
        }
    }
}
