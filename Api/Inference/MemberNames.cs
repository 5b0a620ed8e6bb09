using System.Runtime.InteropServices;
using System.Text;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// The members of one JSON object that have been read. RFC 8259 leaves open which of two with one name counts, and two parsers on a
/// request's way may differ: so none does.
/// </summary>
/// <param name="of">What the object is, for its sender; empty for the body.</param>
[StructLayout(LayoutKind.Auto)]
internal struct MemberNames(string of = "", int index = -1, string? part = null)
{
    // Beyond the protocol's own, which cost no memory.
    private const int MaxOthers = 1024;

    // Of what is said of one.
    private const int LongestName = 64;

    private static readonly byte[][] Protocol =
    [
        [.. "id"u8], [.. "parameters"u8], [.. "inputs"u8], [.. "outputs"u8], [.. "name"u8], [.. "datatype"u8], [.. "shape"u8],
        [.. "data"u8], [.. "binary_data_size"u8], [.. "binary_data_output"u8], [.. "binary_data"u8], [.. "timeout"u8], [.. "priority"u8],
    ];

    private int _known;
    private HashSet<string>? _others;

    /// <param name="name">In UTF-8, without escapes.</param>
    /// <exception cref="InvalidInferBodyException">It was there before.</exception>
    public void Add(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < Protocol.Length; i++)
        {
            if (name.SequenceEqual(Protocol[i]))
            {
                _known = (_known & (1 << i)) == 0 ? _known | (1 << i) : throw Twice(Encoding.UTF8.GetString(name));
                return;
            }
        }

        _others ??= new(StringComparer.Ordinal);
        if (_others.Count == MaxOthers)
        {
            throw new InvalidInferBodyException($"more than {MaxOthers} members of one object are none of the protocol");
        }

        var text = Encoding.UTF8.GetString(name);
        if (!_others.Add(text))
        {
            throw Twice(text.Length <= LongestName ? text : text[..LongestName] + "...");
        }
    }

    private readonly InvalidInferBodyException Twice(string name) => new($"{Path(name)}: given more than once");

    private readonly string Path(string name) =>
        string.Join('.',
            ((string?[])[index < 0 || string.IsNullOrEmpty(of) ? of : $"{of}[{index}]", part, name]).Where(p => !string.IsNullOrEmpty(p)));
}
