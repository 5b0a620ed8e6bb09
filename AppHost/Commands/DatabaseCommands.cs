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
                Arguments = ["run", "--no-build", "--no-launch-profile", "--configuration", Configuration, "--project",
                    new Projects.Api().ProjectPath, "--", "--migrate"],
                EnvironmentVariables = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    [$"ConnectionStrings__{Resources.Database}"] =
                        (await database.Resource.ConnectionStringExpression.GetValueAsync(context.CancellationToken))!,
                },
            },
            new() { Description = "Brings the schema up to date (Api --migrate).", IconName = "DatabaseArrowUp" });
        return database;
    }

    private static string Configuration =>
        typeof(DatabaseCommands).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
}
