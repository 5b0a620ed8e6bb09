namespace Aspire.Hosting.ApplicationModel;

/// <summary>Names of resources and endpoints become host names, file names and variables: the same rule as DNS labels.</summary>
internal static class ModelName
{
    public static string Valid(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var good = name.Length <= 64
            && char.IsAsciiLetter(name[0])
            && name[^1] != '-'
            && !name.Contains("--", StringComparison.Ordinal)
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
        return good ? name : throw new ArgumentException(
            $"The name '{name}' is invalid: it must start with an ASCII letter, hold only ASCII letters, digits and single hyphens, not end with a hyphen, and have at most 64 characters.",
            nameof(name));
    }
}
