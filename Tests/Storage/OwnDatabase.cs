using InferenceTemplate.Api;
using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Api.Queues;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

/// <summary>
/// A database of its own on the real server, with the schema and the services over it: for tests of what there is one of in a
/// database. Nothing hosted is started.
/// </summary>
internal sealed class OwnDatabase : IAsyncDisposable
{
    private readonly Servers _servers;
    private readonly Dictionary<string, string?> _configuration;
    private readonly List<IAsyncDisposable> _replicas = [];

    private OwnDatabase(Servers servers, Dictionary<string, string?> configuration)
    {
        (_servers, _configuration) = (servers, configuration);
        Name = $"own_{Guid.NewGuid():N}";
        ConnectionString = new NpgsqlConnectionStringBuilder(
            servers.ConnectionString)
        { Database = Name, MaxPoolSize = 10 }.ConnectionString;
        Source = NpgsqlDataSource.Create(ConnectionString);
        Services = Replica();
    }

    public string Name { get; }

    public string ConnectionString { get; }

    public NpgsqlDataSource Source { get; }

    public IServiceProvider Services { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<OwnDatabase> CreateAsync(Servers servers, Dictionary<string, string?>? configuration = null)
    {
        var own = new OwnDatabase(servers, configuration ?? []);
        await own.AdministerAsync($"CREATE DATABASE {own.Name}");
        await own.Get<SchemaMigrator>().MigrateAsync(Cancellation);
        return own;
    }

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public T Hosted<T>()
        where T : IHostedService => Services.GetService<T>() ?? Services.GetServices<IHostedService>().OfType<T>().Single();

    /// <summary>What another process has of it, but for the connections, which all share.</summary>
    public ServiceProvider Replica()
    {
        var replica = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(_configuration).Build())
            .AddSingleton(Source)
            .AddSingleton(_servers.Redis)
            .AddSlices()
            .AddDataRights()
            .AddSingleton<WithdrawnVersions>()
            .BuildServiceProvider();
        _replicas.Add(replica);
        return replica;
    }

    public async Task<int> ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(Cancellation);
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        return (T)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    /// <summary>Whether anybody may connect; where not, those who are connected are cut off.</summary>
    public async Task OpenAsync(bool open)
    {
        await AdministerAsync($"ALTER DATABASE {Name} ALLOW_CONNECTIONS {(open ? "true" : "false")}");
        if (open)
        {
            // What is left of the connections that were cut off is of no use.
            Source.Clear();
        }
        else
        {
            await AdministerAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{Name}'");
        }
    }

    /// <summary>Whether new connections may write; those that there are end.</summary>
    public async Task MakeReadOnlyAsync(bool readOnly)
    {
        await AdministerAsync($"ALTER DATABASE {Name} SET default_transaction_read_only = {(readOnly ? "on" : "off")}");
        Source.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        await Source.DisposeAsync();
        await AdministerAsync($"DROP DATABASE {Name} WITH (FORCE)");
    }

    private async Task AdministerAsync(string sql)
    {
        await using var command = _servers.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = Source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        return command;
    }
}
