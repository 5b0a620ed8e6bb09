using System.CommandLine;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Keys;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Api.Queues;
using InferenceTemplate.Api.Retention;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Data;
using Npgsql;

namespace InferenceTemplate.Api.Admin;

/// <summary>
/// <c>Api admin ...</c>: administration from a shell beside a running Api (<c>kubectl exec</c>), with the Api's own
/// configuration and no credentials but those of its servers.
/// </summary>
internal static class AdminCommands
{
    public const string Verb = "admin";

    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(10);

    /// <param name="args">What follows <see cref="Verb"/>.</param>
    /// <returns>The exit code: 0 when it was done.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        using var host = CreateHost();
        var root = new RootCommand("Administration of the platform.")
        {
            KeyCommands.Create(host.Services),
            ModelCommands.Create(host.Services),
            TenantCommands.Create(host.Services),
            DeadLetterCommands.Create(host.Services),
            AuditCommand.Create(host.Services),
            RetentionCommand.Create(host.Services),
        };
        var code = await root.Parse(args).InvokeAsync();
        return await FlushAsync(host.Services) ? code : 1;
    }

    // Nothing else writes what commands have recorded in a program that is not hosted.
    private static async Task<bool> FlushAsync(IServiceProvider services)
    {
        using var limit = new CancellationTokenSource(LastFlush);
        try
        {
            await services.GetRequiredService<AuditLog>().FlushAsync(limit.Token);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"It was done, but could not be written into the audit chain: {exception.Message}");
            return false;
        }
    }

    // Nothing of it is started: commands take the services that they need.
    private static IHost CreateHost()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddNpgsqlDataSource("inference", configureDataSourceBuilder: PrimaryOnly.RequirePrimary);
        builder.AddRedisClient("redis");
        builder.Services.AddSlices();
        return builder.Build();
    }
}
