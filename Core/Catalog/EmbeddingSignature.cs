using System.Globalization;
using System.Text.RegularExpressions;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Catalog;

/// <summary>The inputs and outputs of a model that embeds text: what a worker makes of its files, and the embeddings API calls.</summary>
public static partial class EmbeddingSignature
{
    /// <summary>BYTES [-1]: UTF-8.</summary>
    public const string Text = "text";

    /// <summary>FP32 [-1, n]: a row for each text.</summary>
    public const string Embedding = "embedding";

    /// <summary>INT64 [-1]: how many tokens each text was.</summary>
    public const string TokenCount = "token_count";

    /// <summary>Texts of one request.</summary>
    public const int MaxTexts = 2048;

    /// <summary>How a worker says which text of a request it refused.</summary>
    public static string Refusal(int text, string reason) => $"text {text} of input '{Text}' {reason}";

    /// <summary>Which text a worker refused and why, for those who call it by another name; null where it says no such thing.</summary>
    public static (int Text, string Reason)? RefusedText(string message) => OfRefusal().Match(message) is { Success: true } refusal
        ? (int.Parse(refusal.Groups["text"].Value, CultureInfo.InvariantCulture), refusal.Groups["reason"].Value)
        : null;

    public static bool IsOf(ModelSignature signature) =>
        signature.Inputs is [{ Name: Text, Datatype: Datatype.Bytes, Shape: [TensorShape.Variable] }]
        && Array.Exists(signature.Outputs, o => o is { Name: Embedding, Datatype: Datatype.Fp32, Shape: [TensorShape.Variable, _] })
        && Array.Exists(signature.Outputs, o => o is { Name: TokenCount, Datatype: Datatype.Int64, Shape: [TensorShape.Variable] });

    [GeneratedRegex(
        @"^text (?<text>[0-9]{1,4}) of input 'text' (?<reason>.*)\z", RegexOptions.Singleline, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex OfRefusal();
}
