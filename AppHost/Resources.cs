namespace InferenceTemplate.AppHost;

/// <summary>Names of the topology's resources: connection strings, hosts and Kubernetes objects are called after them.</summary>
internal static class Resources
{
    public const string Postgres = "postgres";
    public const string Database = "inference";
    public const string Redis = "redis";
    public const string Api = "api";
    public const string Worker = "worker";
    public const string Web = "web";
    public const string Operations = "operations";

    public const string PostgresPassword = "postgres-password";
    public const string RedisPassword = "redis-password";
    public const string ApiKeyPepper = "api-key-pepper";
    public const string JwtSigningKey = "jwt-signing-key";
    public const string AdminSecret = "admin-secret";
    public const string DirectSecret = "direct-secret";
}
