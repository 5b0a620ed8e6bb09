using System.Globalization;

namespace InferenceTemplate.Tests.Deploy.Rendering;

/// <summary>
/// Amounts as Kubernetes writes them: <c>500m</c>, <c>2</c>, <c>16Gi</c>. One amount has many texts, and who writes it chooses, so only
/// numbers are compared.
/// </summary>
internal static class Quantity
{
    private const decimal Kibi = 1024;

    private static readonly (string Suffix, decimal Factor)[] s_suffixes =
        [("Ki", Kibi), ("Mi", Kibi * Kibi), ("Gi", Kibi * Kibi * Kibi), ("m", 0.001m), ("k", 1e3m), ("M", 1e6m), ("G", 1e9m), ("", 1)];

    public static decimal Parse(string text)
    {
        var (suffix, factor) = s_suffixes.First(each => text.EndsWith(each.Suffix, StringComparison.Ordinal));
        return decimal.Parse(text[..^suffix.Length], CultureInfo.InvariantCulture) * factor;
    }
}
