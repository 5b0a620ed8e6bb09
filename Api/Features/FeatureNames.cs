namespace InferenceTemplate.Api.Features;

/// <summary>Flags that the product itself asks for. They are on for everybody until somebody says otherwise.</summary>
public static class FeatureNames
{
    /// <summary>Cached responses are given and kept.</summary>
    public const string ResponseCache = "response-cache";

    /// <summary>Requests are repeated on shadow versions.</summary>
    public const string ShadowTraffic = "shadow-traffic";

    /// <summary>New jobs are accepted. Those that were accepted go on.</summary>
    public const string Jobs = "jobs";

    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [Jobs] = "New jobs are accepted.",
        [ResponseCache] = "Answers are kept and given again, for models whose settings say so.",
        [ShadowTraffic] = "Requests are repeated on shadow versions, for models whose traffic policy says so.",
    };

    /// <summary>Whether a text may name a flag: 1 to 64 lower-case letters, digits and hyphens, beginning with a letter.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= 64
            && char.IsAsciiLetterLower(text[0]) && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
