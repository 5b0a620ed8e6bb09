using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Tests.Offline.JwtBearer;

/// <summary>JWTs made byte by byte (RFC 7515), so that the library under test has no part in making what it must refuse.</summary>
internal static class HandMadeToken
{
    public const string Issuer = "https://issuer.test", Audience = "inference";

    public static byte[] Secret { get; } = Encoding.UTF8.GetBytes("a secret of thirty-two bytes, ok");

    public static Dictionary<string, object> Claims(params (string Name, object? Value)[] changes)
    {
        var now = DateTimeOffset.UtcNow;
        var claims = new Dictionary<string, object>
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = "ada",
            ["exp"] = now.AddHours(1).ToUnixTimeSeconds(),
        };
        foreach (var (name, value) in changes)
        {
            _ = value is null ? claims.Remove(name) : claims[name] = value;
        }

        return claims;
    }

    public static string Hmac(Dictionary<string, object> claims, string algorithm = "HS256", byte[]? secret = null) =>
        Sign(new() { ["alg"] = algorithm, ["typ"] = "JWT" }, claims, data => algorithm switch
        {
            "HS256" => HMACSHA256.HashData(secret ?? Secret, data),
            "HS384" => HMACSHA384.HashData(secret ?? Secret, data),
            "none" => [],
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
        });

    public static string Rsa(Dictionary<string, object> claims, RSA key, string keyId) => Sign(
        new() { ["alg"] = "RS256", ["kid"] = keyId }, claims, data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public static string Ecdsa(Dictionary<string, object> claims, ECDsa key, string keyId) => Sign(
        new() { ["alg"] = "ES256", ["kid"] = keyId }, claims, data => key.SignData(data, HashAlgorithmName.SHA256));

    public static string Sign(Dictionary<string, object> header, Dictionary<string, object> claims, Func<byte[], byte[]> sign)
    {
        var signed = $"{Encode(header)}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(Dictionary<string, object> value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
}
