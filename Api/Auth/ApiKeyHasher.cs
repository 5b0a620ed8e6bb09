using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// HMAC-SHA-256 under the pepper. Keys are long and random, so a slow password hash would add cost and no strength; the
/// pepper keeps a stolen table useless.
/// </summary>
public sealed class ApiKeyHasher(IOptions<ApiKeyOptions> options)
{
    // Not before it is needed: a start without secrets must come to the check that names all of them.
    private byte[] Pepper => field ??= Encoding.UTF8.GetBytes(options.Value.ApiKeyPepper);

    public byte[] Hash(string key) => HMACSHA256.HashData(Pepper, Encoding.UTF8.GetBytes(key));

    /// <summary>Compares in constant time.</summary>
    public bool Matches(string key, byte[] hash) => CryptographicOperations.FixedTimeEquals(Hash(key), hash);
}
