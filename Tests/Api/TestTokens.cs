using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace InferenceTemplate.Tests.Api;

/// <summary>JSON Web Tokens made byte by byte (RFC 7515), so that no library refuses to make what must be refused.</summary>
internal static class TestTokens
{
    /// <summary>Claims, the later of one name winning; null takes one away. They are good for an hour unless they say otherwise.</summary>
    public static Dictionary<string, object> Claims(params (string Name, object? Value)[] given)
    {
        var now = DateTimeOffset.UtcNow;
        var claims = new Dictionary<string, object>
        {
            ["nbf"] = now.AddMinutes(-1).ToUnixTimeSeconds(),
            ["exp"] = now.AddHours(1).ToUnixTimeSeconds()
        };
        foreach (var (name, value) in given)
        {
            _ = value is null ? claims.Remove(name) : claims[name] = value;
        }

        return claims;
    }

    public static string Hmac(Dictionary<string, object> claims, byte[] secret, string algorithm = "HS256") =>
        Sign(new() { ["alg"] = algorithm, ["typ"] = "JWT" }, claims, data => algorithm switch
        {
            "HS256" => HMACSHA256.HashData(secret, data),
            "HS384" => HMACSHA384.HashData(secret, data),
            "none" => [],
            _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
        });

    public static string Sign(Dictionary<string, object> header, Dictionary<string, object> claims, Func<byte[], byte[]> sign)
    {
        var signed = $"{Encode(header)}.{Encode(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(Dictionary<string, object> value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
}
