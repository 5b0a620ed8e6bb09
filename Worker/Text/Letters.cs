using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace InferenceTemplate.Worker.Text;

/// <summary>
/// What characters are to the tokenizer of BERT. Where .NET runs without the data of ICU, as services do here, it takes no accent off any
/// letter, so that this brings the table of Unicode itself.
/// </summary>
internal static class Letters
{
    private const int HangulFirst = 0xAC00;
    private const int HangulLast = 0xD7A3;
    private const int HangulLead = 0x1100;
    private const int HangulVowel = 0x1161;
    private const int HangulTrail = 0x11A7;
    private const int HangulVowels = 21;
    private const int HangulTrails = 28;

    // Whose characters are words of their own.
    private static readonly (int First, int Last)[] Ideographs =
    [
        (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
        (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
    ];

    private static readonly FrozenDictionary<int, Rune[]> Plain = ReadPlain();

    public static bool IsIdeograph(Rune rune) => Array.Exists(Ideographs, range => rune.Value >= range.First && rune.Value <= range.Last);

    /// <summary>Whether it stands for itself wherever it is: a sign of ASCII, or what Unicode calls punctuation.</summary>
    public static bool IsPunctuation(Rune rune) => rune.IsAscii
        ? rune.Value is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~')
        : Rune.IsPunctuation(rune);

    /// <summary>Whether it is nothing that is read, and left out.</summary>
    public static bool IsDropped(Rune rune) => rune.Value is 0 or 0xFFFD || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate;

    public static bool IsAccent(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.NonSpacingMark;

    /// <summary>The letters without accents that a letter is made of.</summary>
    public static ReadOnlySpan<Rune> WithoutAccents(in Rune rune, Span<Rune> hangul)
    {
        if (Plain.TryGetValue(rune.Value, out var plain))
        {
            return plain;
        }

        if (rune.Value is < HangulFirst or > HangulLast)
        {
            return new ReadOnlySpan<Rune>(in rune);
        }

        var index = rune.Value - HangulFirst;
        var trail = index % HangulTrails;
        hangul[0] = new Rune(HangulLead + (index / HangulTrails / HangulVowels));
        hangul[1] = new Rune(HangulVowel + (index / HangulTrails % HangulVowels));
        hangul[2] = new Rune(HangulTrail + trail);
        return trail == 0 ? hangul[..2] : hangul[..3];
    }

    private static FrozenDictionary<int, Rune[]> ReadPlain()
    {
        using var resource = typeof(Letters).Assembly.GetManifestResourceStream("letters.txt")!;
        using var reader = new StreamReader(resource);
        var plain = new Dictionary<int, Rune[]>();
        while (reader.ReadLine() is { } line)
        {
            if (line[0] != '#')
            {
                var (to, from) = (line.Split(':')[0], line.Split(':')[1]);
                Rune[] letters = [.. Numbers(to).Select(number => new Rune(number))];
                foreach (var letter in Numbers(from))
                {
                    plain.Add(letter, letters);
                }
            }
        }

        return plain.ToFrozenDictionary();
    }

    private static IEnumerable<int> Numbers(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(n => int.Parse(n, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
}
