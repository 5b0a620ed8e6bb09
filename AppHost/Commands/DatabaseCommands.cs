using System.Reflection;

#pragma warning disable ASPIREPROCESSCOMMAND001 // For evaluation purposes: WithProcessCommand.

namespace InferenceTemplate.AppHost.Commands;

/// <summary>What a pipeline does with the database before and after a release.</summary>
internal static class DatabaseCommands
{
    /// <summary>On a developer's machine only.</summary>
    public static IResourceBuilder<PostgresDatabaseResource> WithDatabaseCommands(this IResourceBuilder<PostgresDatabaseResource> database)
    {
        if (database.ApplicationBuilder.ExecutionContext.IsPublishMode)
        {
            return database;
        }

        database.WithProcessCommand(
            "migrate",
            "Apply migrations",
            async context => new ProcessCommandSpec("dotnet")
            {
                // Built with this AppHost.
                Arguments = ["run", "--no-build", "--no-launch-profile", "--configuration", Configuration, "--project", new Projects.Api().ProjectPath, "--", "--migrate"],
                EnvironmentVariables = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    [$"ConnectionStrings__{Resources.Database}"] = (await database.Resource.ConnectionStringExpression.GetValueAsync(context.CancellationToken))!,
                },
            },
            new() { Description = "Brings the schema up to date (Api --migrate).", IconName = "DatabaseArrowUp" });
        //#if (deploy)
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
        //#endif
        return database;
    }

    private static string Configuration => typeof(DatabaseCommands).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
}
