using System.Text.RegularExpressions;

namespace InferenceTemplate.ServiceDefaults.Secrets;

/// <summary>What of a secret can be guessed. No measure of entropy: it finds what people put in while they try things out.</summary>
public static partial class SecretStrength
{
    private const int LeastDistinct = 8;

    /// <summary>Why a secret of sufficient length is none; null where nothing speaks against it.</summary>
    public static string? WeaknessOf(string secret)
    {
        if (secret.Distinct().Count() < LeastDistinct)
        {
            return $"has fewer than {LeastDistinct} different characters";
        }

        if (Period(secret) <= secret.Length / 2)
        {
            return "repeats itself";
        }

        var neighbours = secret.Zip(secret.Skip(1)).Count(pair => Math.Abs(pair.First - pair.Second) <= 1);
        if (neighbours > secret.Length / 2)
        {
            return "follows the alphabet or the digits";
        }

        // A random one may hold such a word by chance, and then there is enough left of it.
        var rest = WellKnown().Replace(secret, "").Count(char.IsLetterOrDigit);
        return rest < secret.Length / 2 ? "is made of well-known words" : null;
    }

    /// <summary>The length of the shortest beginning that the whole text repeats.</summary>
    private static int Period(string text)
    {
        var period = 1;
        while (!text.AsSpan(period).SequenceEqual(text.AsSpan(0, text.Length - period)))
        {
            period++;
        }

        return period;
    }

    [GeneratedRegex(
        "change|this|me|your|my|here|super|very|strong|secure|default|example|sample|placeholder|insert|replace|please|todo|dummy|test|demo|" +
        "admin|root|user|guest|secret|password|passwd|pass|pepper|salt|signing|jwt|token|api|key|inference|postgres|redis|letmein|welcome|" +
        "qwerty|asdf|zxcv|correct|horse|battery|staple|deadbeef|cafebabe|0123456789|1234567890|12345|abc|xxx+|foo|bar|baz",
        RegexOptions.IgnoreCase,
        matchTimeoutMilliseconds: 60_000)]
    private static partial Regex WellKnown();
}
