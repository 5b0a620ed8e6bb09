using System.Security.Cryptography;

namespace InferenceTemplate.Api.Auth;

/// <summary>
/// A key is <c>prefix_secret</c>: letters and digits, so that it can be selected by a double click, and no dot, which a token has.
/// </summary>
public static class ApiKeyFormat
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private const int PrefixLength = 12;

    // log2(62) x 43 is a little more than 256 bits, as many as 32 random bytes have.
    private const int SecretLength = 43;

    private const int MaxPrefixLength = 32;
    private const int MaxLength = 256;

    public static string NewPrefix() => RandomNumberGenerator.GetString(Alphabet, PrefixLength);

    public static string NewKey(string prefix) => $"{prefix}_{RandomNumberGenerator.GetString(Alphabet, SecretLength)}";

    /// <summary>What the key is found by; null where it is no key.</summary>
    public static string? PrefixOf(ReadOnlySpan<char> key) => PrefixIn(key) is { IsEmpty: false } prefix ? prefix.ToString() : null;

    /// <summary>The same in place; empty where it is no key.</summary>
    public static ReadOnlySpan<char> PrefixIn(ReadOnlySpan<char> key)
    {
        var separator = key.IndexOf('_');
        return separator is < 1 or > MaxPrefixLength || key.Length > MaxLength ? [] : key[..separator];
    }
}
