using System.Buffers;
using System.Text;
using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.Text;

/// <summary>
/// Cuts text into tokens as BERT was trained with: into words and signs, and each word into the longest pieces of the vocabulary. What the
/// text says is never taken for a token such as [SEP]. Any number of threads may use it.
/// </summary>
internal sealed class WordPieceTokenizer(Vocabulary vocabulary, bool lowercase)
{
    /// <summary>Letters of a word. Longer ones are no words: they become one [UNK].</summary>
    public const int MaxWord = 100;

    /// <param name="utf8">The text.</param>
    /// <param name="most">Pieces after which is stopped.</param>
    /// <param name="pieces">Gets them, no [CLS] and [SEP] among them; of those beyond <paramref name="most"/>, some.</param>
    /// <exception cref="RefusedInputException">It is not UTF-8.</exception>
    public void Encode(ReadOnlySpan<byte> utf8, int most, List<int> pieces)
    {
        var word = new Word(vocabulary, pieces, most);
        Span<Rune> hangul = stackalloc Rune[3];
        for (var rest = utf8; !rest.IsEmpty && pieces.Count <= most;)
        {
            if (Rune.DecodeFromUtf8(rest, out var rune, out var length) != OperationStatus.Done)
            {
                throw new RefusedInputException($"is not UTF-8 at byte {utf8.Length - rest.Length}");
            }

            rest = rest[length..];
            if (rune.Value is '\t' or '\n' or '\r' || (Rune.IsWhiteSpace(rune) && !Rune.IsControl(rune)))
            {
                word.End();
            }
            else if (Letters.IsDropped(rune))
            {
                // As if it were not there.
            }
            else if (!lowercase || rune.IsAscii)
            {
                Add(word, lowercase ? Rune.ToLowerInvariant(rune) : rune);
            }
            else
            {
                foreach (var letter in Letters.WithoutAccents(rune, hangul))
                {
                    if (!Letters.IsAccent(letter))
                    {
                        Add(word, Rune.ToLowerInvariant(letter));
                    }
                }
            }
        }

        word.End();
    }

    private static void Add(Word word, Rune rune)
    {
        if (Letters.IsPunctuation(rune) || Letters.IsIdeograph(rune))
        {
            word.End();
            word.Add(rune);
            word.End();
        }
        else
        {
            word.Add(rune);
        }
    }

    /// <summary>The word that is being read.</summary>
    private sealed class Word(Vocabulary vocabulary, List<int> pieces, int most)
    {
        private readonly char[] _units = new char[2 * MaxWord];
        private int _length;
        private int _runes;

        public void Add(Rune rune)
        {
            if (++_runes <= MaxWord)
            {
                _length += rune.EncodeToUtf16(_units.AsSpan(_length));
            }
        }

        public void End()
        {
            if (_runes > 0 && pieces.Count <= most)
            {
                var before = pieces.Count;
                if (_runes > MaxWord || !TryCut())
                {
                    pieces.RemoveRange(before, pieces.Count - before);
                    pieces.Add(vocabulary.Unknown);
                }
            }

            (_length, _runes) = (0, 0);
        }

        private bool TryCut()
        {
            ReadOnlySpan<char> rest = _units.AsSpan(0, _length);
            while (!rest.IsEmpty)
            {
                var (length, id) = (Math.Min(rest.Length, vocabulary.LongestToken), 0);
                while (length > 0 && !(rest.Length == _length
                    ? vocabulary.TryFirst(rest[..length], out id)
                    : vocabulary.TryNext(rest[..length], out id)))
                {
                    length--;
                }

                if (length == 0)
                {
                    return false;
                }

                pieces.Add(id);
                rest = rest[length..];
            }

            return true;
        }
    }
}
