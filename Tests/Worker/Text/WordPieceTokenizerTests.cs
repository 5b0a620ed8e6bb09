using System.Text;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Text;

namespace InferenceTemplate.Tests.Worker.Text;

/// <summary>By the vocabulary of BERT; the tokens are those that Hugging Face's tokenizers give.</summary>
public sealed class WordPieceTokenizerTests
{
    private static readonly Lazy<Vocabulary> s_bert = new(() => Read(MiniLm.Vocabulary));

    [Theory]
    [InlineData("A cat.", 1037, 4937, 1012)]
    [InlineData("unaffable", 14477, 20961, 3468)]
    [InlineData("Héllo wörld naïve e\u0301 Ç", 7592, 2088, 15743, 1041, 1039)]
    [InlineData("a$b 1+1=2", 1037, 1002, 1038, 1015, 1009, 1015, 1027, 1016)]
    [InlineData("5 € now x ™ y", 1019, 1574, 2085, 1060, 1580, 1061)]
    [InlineData("20°C x_y", 2322, 7737, 2278, 1060, 1035, 1061)]
    [InlineData("a😀b smile", 100, 2868)]
    [InlineData("한국어 ไทย", 1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 100)]
    [InlineData("日本語 text", 1864, 1876, 1950, 3793)]
    [InlineData("x\u00ady x\u200by x\u00a0y", 1060, 2100, 1060, 2100, 1060, 1061)]
    [InlineData("a\0b\uFFFDc\td", 5925, 1040)]
    [InlineData("İstanbul ẞ Σίσυφος", 9960, 1096, 1173, 18199, 29733, 29735, 29736, 15297)]
    [InlineData("  many   spaces\n\r\ttabs", 2116, 7258, 21628, 2015)]
    public void Text_becomes_the_tokens_of_the_reference(string text, params int[] tokens) => Assert.Equal(tokens, Encode(text));

    [Fact]
    public void Word_of_more_than_a_hundred_letters_is_unknown() =>
        Assert.Equal([s_bert.Value.Unknown], Encode(new string('x', 101)));

    [Fact]
    public void Token_with_more_letters_than_a_word_is_none_that_is_looked_for()
    {
        var vocabulary = Read(Encoding.UTF8.GetBytes(
            $"[PAD]\n[UNK]\n[CLS]\n[SEP]\n{new string('x', 101)}\n##{new string('y', 5000)}\nxy\n"));

        Assert.Equal("[PAD]".Length, vocabulary.LongestToken);
        Assert.Equal([6], Encode("xy", vocabulary));
        Assert.Equal([vocabulary.Unknown], Encode(new string('x', 101), vocabulary));
    }

    [Fact]
    public void Text_that_spells_a_special_token_gets_none() =>
        Assert.Equal([1031, 19802, 1033, 1060], Encode("[SEP] x"));

    [Fact]
    public void Cased_vocabulary_keeps_letters_and_accents()
    {
        var vocabulary = Read("[PAD]\n[UNK]\n[CLS]\n[SEP]\nÄpfel\nApfel\napfel\n"u8.ToArray());

        Assert.Equal([4, 5, 6], Encode("Äpfel Apfel apfel", vocabulary, lowercase: false));
        Assert.Equal([6, 6, 6], Encode("Äpfel Apfel apfel", vocabulary));
    }

    [Fact]
    public void Bytes_that_are_no_utf8_are_refused_with_their_place()
    {
        var refused = Assert.Throws<RefusedInputException>(
            () => new WordPieceTokenizer(s_bert.Value, lowercase: true).Encode([(byte)'a', 0xC3], 10, []));

        Assert.Equal("is not UTF-8 at byte 1", refused.Message);
    }

    [Fact]
    public void Nothing_is_read_beyond_what_is_asked_for()
    {
        var pieces = new List<int>();

        new WordPieceTokenizer(s_bert.Value, lowercase: true).Encode([.. "one two three four "u8, 0xFF], 2, pieces);

        Assert.Equal(3, pieces.Count);
    }

    [Theory]
    [InlineData("[PAD]\n[UNK]\n[CLS]\na\n", "has no [SEP]")]
    [InlineData("", "has no [PAD]")]
    [InlineData("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n", "has the token of its line 6 twice")]
    public void File_that_is_no_vocabulary_is_refused(string lines, string reason)
    {
        var refused = Assert.Throws<ModelRefusedException>(() => Read(Encoding.UTF8.GetBytes(lines)));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Vocabulary_that_is_no_utf8_is_refused() => Assert.Contains(
        "is not UTF-8", Assert.Throws<ModelRefusedException>(() => Read([(byte)'a', 0xFF])).Message, StringComparison.Ordinal);

    private static List<int> Encode(string text, Vocabulary? vocabulary = null, bool lowercase = true)
    {
        var pieces = new List<int>();
        new WordPieceTokenizer(vocabulary ?? s_bert.Value, lowercase).Encode(Encoding.UTF8.GetBytes(text), int.MaxValue - 1, pieces);
        return pieces;
    }

    private static Vocabulary Read(byte[] content)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, content);
            return Vocabulary.Read(path, "vocab.txt");
        }
        finally
        {
            File.Delete(path);
        }
    }
}
