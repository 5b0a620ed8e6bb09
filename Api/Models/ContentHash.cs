using System.Text.RegularExpressions;

namespace InferenceTemplate.Api.Models;

/// <summary>What a caller says the SHA-256 of its body is: <c>Content-Digest</c> (RFC 9530), or <c>X-Content-SHA256</c> in hex.</summary>
internal static partial class ContentHash
{
    public const string DigestHeader = "Content-Digest";
    public const string HexHeader = "X-Content-SHA256";

    /// <summary>Lower-case hex; null where the caller says nothing.</summary>
    /// <returns>False where what it says can't be read; <paramref name="header"/> names the header.</returns>
    public static bool TryRead(HttpRequest request, out string? sha256, out string header)
    {
        sha256 = null;
        header = HexHeader;
        if (request.Headers.TryGetValue(HexHeader, out var hex))
        {
            sha256 = hex.ToString().Trim().ToLowerInvariant();
            return Hex().IsMatch(sha256);
        }

        header = DigestHeader;
        if (!request.Headers.TryGetValue(DigestHeader, out var digest))
        {
            return true;
        }

        // Other algorithms may stand beside it.
        var bytes = new byte[32];
        var match = Sha256Digest().Match(digest.ToString());
        if (!match.Success || !Convert.TryFromBase64String(match.Groups["hash"].Value, bytes, out var length) || length != bytes.Length)
        {
            return false;
        }

        sha256 = Convert.ToHexStringLower(bytes);
        return true;
    }

    [GeneratedRegex(@"^[0-9a-f]{64}\z", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Hex();

    [GeneratedRegex("(?:^|,)\\s*sha-256=:(?<hash>[A-Za-z0-9+/]{43}=):", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Sha256Digest();
}
