using System.CommandLine;
using System.Text.Json;
using InferenceTemplate.Api.Audit;

namespace InferenceTemplate.Api.Retention;

/// <summary><c>admin retention [--dry-run]</c>: deletes what is too old, or shows it. Output is JSON.</summary>
internal static class RetentionCommand
{
    private const string Actor = "admin command";

    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only shows what would be deleted." };

    public static Command Create(IServiceProvider services)
    {
        var command = new Command("retention", "Deletes what was kept long enough.") { DryRun };
        command.SetAction((parsed, cancellationToken) => RunAsync(services, parsed.GetValue(DryRun), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(IServiceProvider services, bool dryRun, CancellationToken cancellationToken)
    {
        var retention = services.GetRequiredService<RetentionRun>();
        var rows = dryRun ? await retention.PreviewAsync(cancellationToken) : await retention.RunAsync(Actor, cancellationToken);
        if (rows is null)
        {
            await Console.Error.WriteLineAsync("Another process is at it.");
            return 1;
        }

        if (!dryRun)
        {
            services.GetRequiredService<AuditLog>().Record(RetentionEndpoints.Event(Actor, null, rows));
        }

        Console.WriteLine(JsonSerializer.Serialize(new RetentionReport([.. rows]), RetentionJson.Default.RetentionReport));
        return 0;
    }
}
