namespace InferenceTemplate.AppHost;

internal static class FirstDatabase
{
    /// <summary>
    /// Has the container make the database when it first starts. On a developer's machine Aspire does; what is published has nobody else.
    /// </summary>
    public static IResourceBuilder<PostgresServerResource> WithFirstDatabase(
        this IResourceBuilder<PostgresServerResource> postgres, string name) =>
        postgres.ApplicationBuilder.ExecutionContext.IsPublishMode ? postgres.WithEnvironment("POSTGRES_DB", name) : postgres;
}
