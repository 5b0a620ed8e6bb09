using System.Net;
using System.Net.Http.Headers;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Api;

/// <summary>
/// The Api in production mode, with an authority, a proxy and an origin that it knows. It has the platform's servers, but a database of
/// its own in each, so that the platform does not see it; the one in Postgres it makes itself.
/// </summary>
public sealed class ProductionApi(Platform platform) : IAsyncLifetime
{
    public const string Origin = "https://app.contoso.com";
    public const string Audience = "inference-platform";
    public const string SigningKey = "eleven-green-kites-hang-above-the-windy-beach";

    public const string SharedSecret = "twelve-slow-barges-carry-gravel-past-the-mill";

    private const string AdminSecret = "six-blue-lanterns-glow-along-the-canal";
    private const string RedisDatabase = "9";

    private readonly string _database = $"edge{Guid.NewGuid():N}";
    private Authority? _authority;
    private ApiProcess? _process;

    internal Authority Authority => _authority!;

    /// <summary>What it was started with, for another one beside it.</summary>
    public IReadOnlyList<(string Key, string Value)> Settings { get; private set; } = [];

    public NpgsqlDataSource Database { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        var connection = new NpgsqlConnectionStringBuilder(await platform.App.GetConnectionStringAsync("inference", limit.Token))
        {
            Database = _database,
        };
        Database = NpgsqlDataSource.Create(connection);
        _authority = await Authority.StartAsync();
        Settings =
        [
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true"),
            ("ConnectionStrings__inference", connection.ConnectionString),
            ("ConnectionStrings__redis",
                $"{await platform.App.GetConnectionStringAsync("redis", limit.Token)},defaultDatabase={RedisDatabase}"),
            ("Auth__ApiKeyPepper", Platform.Pepper),
            ("Auth__JwtSigningKey", SigningKey),
            ("Auth__AdminSecret", AdminSecret),
            ("Auth__Jwt__Authority", Authority.Address),
            ("Auth__Jwt__Audience", Audience),
            ("Auth__Jwt__RequireHttps", "false"),
            ("Auth__Jwt__TenantClaim", "org"),
            ("Cors__Origins__0", Origin),
            ("ForwardedHeaders__KnownProxies__0", "127.0.0.1"),
        ];
        _process = await ApiProcess.StartAsync(Settings, limit.Token);
        using var client = Client();
        while (await StatusAsync(client, "/health", limit.Token) != HttpStatusCode.OK
            || await StatusAsync(client, "/v2", limit.Token, $"admin_{AdminSecret}") != HttpStatusCode.OK)
        {
            await Task.Delay(100, limit.Token);
        }
    }

    public HttpClient Client(string? credential = null) => Client(_process!.Url, credential);

    public static HttpClient Client(string url, string? credential)
    {
        var client = new HttpClient { BaseAddress = new Uri(url) };
        client.DefaultRequestHeaders.Authorization = credential is null ? null : new AuthenticationHeaderValue("Bearer", credential);
        return client;
    }

    public HttpClient Admin() => Client($"admin_{AdminSecret}");

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        if (_authority is not null)
        {
            await _authority.DisposeAsync();
        }

        if (Database is not null)
        {
            await Database.DisposeAsync();
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(
        HttpClient client, string path, CancellationToken cancellation, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        using var response = await client.SendAsync(request, cancellation);
        return response.StatusCode;
    }
}
