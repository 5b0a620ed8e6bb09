using System.Text.RegularExpressions;

namespace InferenceTemplate.Core.Catalog;

/// <summary>What models, versions and aliases may be called.</summary>
public static partial class ModelNames
{
    public const string ModelRule = "1 to 128 letters, digits, '.', '_' and '-', starting with a letter or digit";
    public const string VersionRule = "a positive integer of up to 18 digits";
    public const string AliasRule = "1 to 64 letters, digits, '.', '_' and '-', starting with a letter";

    public static bool IsModel(string name) => Model().IsMatch(name);

    public static bool IsVersion(string version) => Version().IsMatch(version);

    public static bool IsAlias(string alias) => Alias().IsMatch(alias);

    // \z, since $ would let a line break through.
    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\z", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Model();

    [GeneratedRegex(@"^[1-9][0-9]{0,17}\z", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Version();

    [GeneratedRegex(@"^[A-Za-z][A-Za-z0-9._-]{0,63}\z", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Alias();
}
