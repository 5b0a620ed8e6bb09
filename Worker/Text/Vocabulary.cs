using System.Text;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Text;

/// <summary>The tokens that a model knows: a line of <c>vocab.txt</c> each, the number of the line being its id.</summary>
internal sealed class Vocabulary
{
    private const int MaxBytes = 16 << 20;
    private const string Continuing = "##";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Of words, and of what goes on within a word, without its mark.
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _first;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _next;

    private Vocabulary(Dictionary<string, int> first, Dictionary<string, int> next, int count)
    {
        (_first, _next) = (first.GetAlternateLookup<ReadOnlySpan<char>>(), next.GetAlternateLookup<ReadOnlySpan<char>>());
        Count = count;
        LongestToken = first.Keys.Concat(next.Keys)
            .Where(token => token.EnumerateRunes().Count() <= WordPieceTokenizer.MaxWord)
            .Max(token => token.Length);
        (Unknown, Cls, Sep, Padding) = (first["[UNK]"], first["[CLS]"], first["[SEP]"], first["[PAD]"]);
    }

    public int Count { get; }

    /// <summary>UTF-16 units of the longest token that can be in a word.</summary>
    public int LongestToken { get; }

    public int Unknown { get; }

    public int Cls { get; }

    public int Sep { get; }

    public int Padding { get; }

    /// <param name="name">What the file is called in a message.</param>
    /// <exception cref="ModelRefusedException">It is too large, or no vocabulary; the message says why.</exception>
    public static Vocabulary Read(string path, string name)
    {
        if (new FileInfo(path).Length is var length && length > MaxBytes)
        {
            throw new ModelRefusedException($"the vocabulary '{name}' has {length} bytes; at most {MaxBytes} are read");
        }

        var (first, next) = (new Dictionary<string, int>(StringComparer.Ordinal), new Dictionary<string, int>(StringComparer.Ordinal));
        var count = 0;
        try
        {
            foreach (var token in File.ReadLines(path, Utf8))
            {
                var continues = token.StartsWith(Continuing, StringComparison.Ordinal) && token.Length > Continuing.Length;
                if (token.Length > 0 && !(continues ? next.TryAdd(token[Continuing.Length..], count) : first.TryAdd(token, count)))
                {
                    throw new ModelRefusedException($"the vocabulary '{name}' has the token of its line {count + 1} twice");
                }

                count++;
            }
        }
        catch (DecoderFallbackException)
        {
            throw new ModelRefusedException($"the vocabulary '{name}' is not UTF-8");
        }

        string[] special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
        return Array.Find(special, token => !first.ContainsKey(token)) is { } missing
            ? throw new ModelRefusedException($"the vocabulary '{name}' has no {missing}: it is not one of WordPiece, a token a line")
            : new Vocabulary(first, next, count);
    }

    public bool TryFirst(ReadOnlySpan<char> token, out int id) => _first.TryGetValue(token, out id);

    public bool TryNext(ReadOnlySpan<char> token, out int id) => _next.TryGetValue(token, out id);
}
