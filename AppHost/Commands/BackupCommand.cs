#pragma warning disable ASPIREPROCESSCOMMAND001 // For evaluation purposes: WithProcessCommand.

namespace InferenceTemplate.AppHost.Commands;

/// <summary>A backup by the script that pipelines and clusters run.</summary>
internal static class BackupCommand
{
    /// <summary>On a developer's machine only.</summary>
    public static void WithBackupCommand(this IResourceBuilder<PostgresDatabaseResource> database)
    {
        if (database.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            return;
        }

        var root = Path.GetFullPath(Path.Combine(database.ApplicationBuilder.AppHostDirectory, ".."));
        database.WithProcessCommand(
            "backup",
            "Back up",
            async context => new ProcessCommandSpec(Path.Combine(root, "deploy", "scripts", "backup.sh"))
            {
                WorkingDirectory = root,
                Arguments = [context.Arguments.GetString("directory")!],
                EnvironmentVariables = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["DATABASE_URL"] = (await database.Resource.UriExpression.GetValueAsync(context.CancellationToken))!,
                    ["BACKUP_RECIPIENT"] = context.Arguments.GetString("recipient")!,
                },
            },
            new()
            {
                Description = "Writes an encrypted dump (deploy/scripts/backup.sh).",
                Arguments =
                [
                    Administration.Text("recipient", "Recipient: an age key (age1...), or the id of a GPG key"),
                    Administration.Text("directory", "Directory", Path.Combine(root, ".data", "backups")),
                ],
                IconName = "DatabaseArrowDown",
            });
    }
}
