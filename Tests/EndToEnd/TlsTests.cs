using System.Net;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>Connections that are encrypted and whose other end is verified, as the chart's value <c>tls</c> has them.</summary>
[Trait("Tier", "Nightly")]
public sealed class TlsTests(TlsServers servers) : IClassFixture<TlsServers>
{
    public enum Wrong
    {
        Authority,
        HostName,
        Plain,
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Api_and_worker_serve_by_verified_connections_only()
    {
        await using var services = await OwnServices.StartAsync(Settings(servers.Postgres(), servers.Redis(), servers.Authorities));

        await services.ServeAsync();

        await using var database = NpgsqlDataSource.Create(servers.Postgres());
        await using var connections = database.CreateCommand(
            """
            SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl)
            FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            """);
        await using var row = await connections.ExecuteReaderAsync(Cancellation);
        await row.ReadAsync(Cancellation);
        Assert.InRange(row.GetInt64(0), 2, long.MaxValue);
        Assert.Equal(0, row.GetInt64(1));
    }

    [Theory]
    [InlineData(Wrong.Authority, "The remote certificate was rejected")]
    [InlineData(Wrong.HostName, "The remote certificate was rejected")]
    [InlineData(Wrong.Plain, "no encryption")]
    public async Task Postgres_that_does_not_prove_who_it_is_or_is_called_in_the_clear_is_an_error_at_the_start(Wrong wrong, string reason)
    {
        var postgres = wrong switch
        {
            Wrong.Authority => servers.Postgres(authorities: servers.Strangers),
            Wrong.HostName => servers.Postgres("127.0.0.1"),
            _ => servers.PlainPostgres(),
        };

        var settings = Settings(postgres, servers.Redis(), servers.Authorities);
        await using var worker = WorkerProcess.Launch(settings);
        var said = await ApiEndsAsync(settings, reason);
        Assert.Contains("as ConnectionStrings:inference has it", said, StringComparison.Ordinal);

        // A worker can do without a database, but does not begin without one.
        await Wait.UntilAsync(async () => worker.Output.Contains(reason, StringComparison.Ordinal)
            && await worker.StatusAsync("/health", Cancellation) == HttpStatusCode.ServiceUnavailable);
    }

    [Theory]
    [InlineData(Wrong.Authority, "The remote certificate is invalid because of errors in the certificate chain")]
    [InlineData(Wrong.HostName, "RemoteCertificateNameMismatch")]
    [InlineData(Wrong.Plain, "Connection reset by peer")]
    public async Task Redis_that_does_not_prove_who_it_is_or_is_called_in_the_clear_is_an_error_at_the_start(Wrong wrong, string reason)
    {
        var redis = wrong switch
        {
            Wrong.HostName => servers.Redis("127.0.0.1"),
            Wrong.Plain => servers.PlainRedis(),
            _ => servers.Redis(),
        };

        // The client's own patience is 15 seconds.
        redis += ",connectTimeout=2000,connectRetry=1";
        var settings = Settings(servers.Postgres(), redis, wrong == Wrong.Authority ? servers.Strangers : servers.Authorities);
        await using var worker = WorkerProcess.Launch(settings);
        await ApiEndsAsync(settings, reason);

        await worker.ExitedAsync(Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation);
        Assert.NotEqual(0, worker.ExitCode);
        Assert.Contains(reason, worker.Output, StringComparison.Ordinal);
    }

    private static async Task<string> ApiEndsAsync((string, string)[] settings, string reason)
    {
        var (exitCode, output, error) = await ApiProcess.RunAsync(
            [], [("ASPNETCORE_URLS", "http://127.0.0.1:0"), .. settings], Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation);

        Assert.NotEqual(0, exitCode);
        Assert.Contains(reason, output + error, StringComparison.Ordinal);
        return output + error;
    }

    private static (string, string)[] Settings(string postgres, string redis, string authorities) =>
        [.. OwnServices.Settings(postgres, redis), ("SSL_CERT_DIR", $"{authorities}:/etc/ssl/certs")];
}
