using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>The command <c>migrate</c> of the resource <c>inference</c>.</summary>
public sealed class DatabaseCommandTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Migrate_makes_the_schema_of_an_empty_database()
    {
        await using var servers = new Servers();
        await servers.InitializeAsync();
        Assert.Equal(DBNull.Value, await TableAsync(servers));

        var result = await SharedPlatform.CommandAsync(servers.App, "inference", "migrate");

        Assert.True(result.Success, $"{result.Message} {result.Data?.Value}");
        Assert.Equal("models", await TableAsync(servers));
    }

    private static async Task<object?> TableAsync(Servers servers)
    {
        await using var command = servers.Database.CreateCommand("SELECT to_regclass('models')::text");
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
