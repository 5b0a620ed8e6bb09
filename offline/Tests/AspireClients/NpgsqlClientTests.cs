using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Tests.Offline.AspireClients;

public sealed class NpgsqlClientTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    [Fact]
    public async Task Data_source_reaches_the_named_connection_string()
    {
        using var app = Build(("ConnectionStrings:db", server.ConnectionString), ("Aspire:Npgsql:ConnectionString", "Host=nowhere"));

        await using var command = app.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SELECT 41 + 1");
        Assert.Equal(42, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
        await using var connection = app.Services.GetRequiredService<NpgsqlConnection>();
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(app)).Status);
    }

    [Fact]
    public async Task Settings_come_from_the_section_and_then_the_named_section()
    {
        using var app = Build(
            ("Aspire:Npgsql:ConnectionString", "Host=nowhere"), ("Aspire:Npgsql:db:ConnectionString", server.ConnectionString));

        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(app)).Status);
    }

    [Fact]
    public async Task Delegates_have_the_last_word()
    {
        using var app = Build(builder => builder.AddNpgsqlDataSource(
            "db",
            settings => settings.ConnectionString = server.ConnectionString,
            source => source.ConnectionStringBuilder.ApplicationName = "from-code"));

        await using var command = app.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SHOW application_name");

        Assert.Equal("from-code", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Missing_connection_string_is_named_when_the_data_source_is_first_needed()
    {
        using var app = Build();

        var missing = Assert.Throws<InvalidOperationException>(() => app.Services.GetRequiredService<NpgsqlDataSource>());

        Assert.Contains("'ConnectionStrings:db'", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_check_reports_why_the_database_is_unreachable()
    {
        using var app = Build(("ConnectionStrings:db", "Host=127.0.0.1;Port=1;Username=nobody"));

        var (name, entry) = Assert.Single((await CheckAsync(app)).Entries);

        Assert.Equal(("PostgreSql", HealthStatus.Unhealthy), (name, entry.Status));
        Assert.Contains("127.0.0.1:1", entry.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_check_can_be_disabled()
    {
        using var app = Build(builder => builder.AddNpgsqlDataSource("db", settings => settings.DisableHealthChecks = true));

        Assert.Null(app.Services.GetService<HealthCheckService>());
    }

    private static Task<HealthReport> CheckAsync(IHost app) =>
        app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

    private static IHost Build(params (string Key, string Value)[] configuration) =>
        Build(builder => builder.AddNpgsqlDataSource("db"), configuration);

    private static IHost Build(Action<HostApplicationBuilder> configure, params (string Key, string Value)[] configuration)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration.AddInMemoryCollection(configuration.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)));
        configure(builder);
        return builder.Build();
    }
}
