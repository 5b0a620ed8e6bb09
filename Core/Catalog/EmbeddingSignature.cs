using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Catalog;

/// <summary>The inputs and outputs of a model that embeds text: what a worker makes of its files, and the embeddings API calls.</summary>
public static partial class EmbeddingSignature
{
    /// <summary>BYTES [-1]: UTF-8 each, or token ids (<see cref="ElementOf"/>).</summary>
    public const string Text = "text";

    /// <summary>FP32 [-1, n]: a row for each text.</summary>
    public const string Embedding = "embedding";

    /// <summary>INT64 [-1]: how many tokens each text was.</summary>
    public const string TokenCount = "token_count";

    /// <summary>Texts of one request.</summary>
    public const int MaxTexts = 2048;

    // No text of UTF-8 has it.
    private const byte TokenMark = 0xFF;

    /// <summary>Token ids in place of a text: the byte 0xFF, and each id as INT32, little-endian.</summary>
    public static byte[] ElementOf(ReadOnlySpan<int> tokens)
    {
        var element = new byte[1 + (tokens.Length * sizeof(int))];
        element[0] = TokenMark;
        for (var i = 0; i < tokens.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(element.AsSpan(1 + (i * sizeof(int))), tokens[i]);
        }

        return element;
    }

    /// <summary>The token ids that an element is; null where it is a text.</summary>
    /// <exception cref="InvalidDataException">It is marked as token ids, and has a part of one.</exception>
    public static int[]? TokensOf(ReadOnlySpan<byte> element)
    {
        if (element is not [TokenMark, .. var ids])
        {
            return null;
        }

        if (ids.Length % sizeof(int) != 0)
        {
            throw new InvalidDataException($"begins with 0xFF as token ids do, of 4 bytes each, but {ids.Length} bytes follow");
        }

        var tokens = new int[ids.Length / sizeof(int)];
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = BinaryPrimitives.ReadInt32LittleEndian(ids[(i * sizeof(int))..]);
        }

        return tokens;
    }

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
