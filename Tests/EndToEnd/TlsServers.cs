using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>
/// A Postgres and a Redis with certificates of an authority that only these tests know, as the chart's value <c>tls</c> runs them:
/// for <c>localhost</c>, and without a word to who does not encrypt.
/// </summary>
public sealed class TlsServers : IAsyncLifetime
{
    private const string Password = "three-wet-terns-rest-on-a-rusty-buoy";

    private readonly CertificateAuthority _authority = new();
    private readonly CertificateAuthority _stranger = new();
    private readonly OwnServer _postgres = new();
    private readonly OwnServer _redis = new();
    private readonly DirectoryInfo _authorities = Directory.CreateTempSubdirectory("authorities-");
    private readonly DirectoryInfo _strangers = Directory.CreateTempSubdirectory("authorities-");

    /// <summary>Folder of the authority's certificate, and of another's.</summary>
    public string Authorities => _authorities.FullName;

    public string Strangers => _strangers.FullName;

    public async ValueTask InitializeAsync()
    {
        await _authority.WriteAsync(Path.Combine(Authorities, "servers.crt"));
        await _stranger.WriteAsync(Path.Combine(Strangers, "servers.crt"));
        await _authority.IssueAsync(_postgres.Folder, "localhost");
        await _authority.IssueAsync(_redis.Folder, "localhost");
        await _authority.WriteAsync(_redis.File("ca.crt"));
        await File.WriteAllTextAsync(_postgres.File("access"), "hostssl all all all scram-sha-256\n");
        await _postgres.StartPostgresAsync(
            Password, "-c", $"hba_file={_postgres.File("access")}", "-c", "ssl=on", "-c", $"ssl_cert_file={_postgres.File("tls.crt")}",
            "-c", $"ssl_key_file={_postgres.File("tls.key")}", "-c", "ssl_min_protocol_version=TLSv1.2");
        await _redis.StartRedisAsync(
            Password, "--port", "0", "--tls-port", $"{_redis.Port}", "--tls-cert-file", _redis.File("tls.crt"), "--tls-key-file",
            _redis.File("tls.key"), "--tls-ca-cert-file", _redis.File("ca.crt"), "--tls-auth-clients", "no");
    }

    /// <summary>A connection that has Postgres prove who it is.</summary>
    public string Postgres(string host = "localhost", string? authorities = null) =>
        $"{PostgresAt(host)};SSL Mode=VerifyFull;Root Certificate={Path.Combine(authorities ?? Authorities, "servers.crt")}";

    public string PlainPostgres() => $"{PostgresAt("localhost")};SSL Mode=Disable";

    /// <summary>A connection that has Redis prove who it is, to who knows its authority by <c>SSL_CERT_DIR</c>.</summary>
    public string Redis(string host = "localhost") => $"{RedisAt(host)},ssl=true";

    public string PlainRedis() => RedisAt("localhost");

    private string PostgresAt(string host) => $"Host={host};Port={_postgres.Port};Username=postgres;Password={Password};Database=postgres";

    private string RedisAt(string host) => $"{host}:{_redis.Port},password={Password}";

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _postgres.DisposeAsync();
        _authorities.Delete(recursive: true);
        _strangers.Delete(recursive: true);
        _authority.Dispose();
        _stranger.Dispose();
    }
}
