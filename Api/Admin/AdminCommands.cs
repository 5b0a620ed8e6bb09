using System.CommandLine;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Retention;
using InferenceTemplate.Inference;

namespace InferenceTemplate.Api.Admin;

/// <summary>
/// <c>Api admin ...</c>: administration from a shell beside a running Api (<c>kubectl exec</c>), with the Api's own
/// configuration and no credentials but those of its servers.
/// </summary>
internal static class AdminCommands
{
    public const string Verb = "admin";

    /// <param name="args">What follows <see cref="Verb"/>.</param>
    /// <returns>The exit code: 0 when it was done.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        using var host = CreateHost();
        var root = new RootCommand("Administration of the platform.")
        {
            DeadLetterCommands.Create(host.Services),
            AuditCommand.Create(host.Services),
            RetentionCommand.Create(host.Services),
        };
        var code = await root.Parse(args).InvokeAsync();
        return await AuditCommand.FlushAsync(host.Services) ? code : 1;
    }

    // Nothing of it is started: commands take the services that they need.
    private static IHost CreateHost()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddNpgsqlDataSource("inference");
        builder.AddRedisClient("redis");
        builder.Services.AddInference();
        return builder.Build();
    }
}
