using System.Buffers;
using System.Text;

namespace InferenceTemplate.Core.Catalog;

/// <summary>The names of the files of a model that has several: none leads out of their folder, or stands for two of them.</summary>
public sealed class ModelFileNames
{
    public const int MaxFiles = 1000;
    public const string Rule =
        "a relative path of up to 255 bytes, '/' between its parts, none of which is '.' or '..', without control characters and "
        + "\\ : * ? \" < > |";

    private const int MaxBytes = 255;

    // What Windows takes for something else: a drive, a stream of a file, a pattern.
    private static readonly SearchValues<char> Refused = SearchValues.Create("\\:*?\"<>|");

    private readonly HashSet<string> _files = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _folders = new(StringComparer.OrdinalIgnoreCase);

    public static bool IsAllowed(string name) =>
        Encoding.UTF8.GetByteCount(name) <= MaxBytes
        && !name.AsSpan().ContainsAny(Refused)
        && !name.Any(char.IsControl)
        && name.Split('/').All(part => part is not ("" or "." or ".."));

    /// <summary>A name that nobody has checked, for a message.</summary>
    public static string Shown(string name) =>
        string.Concat(name.Take(MaxBytes).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    /// <summary>Takes one more file.</summary>
    /// <returns>Why it is refused; null where it is not.</returns>
    public string? Add(string name)
    {
        if (_files.Count == MaxFiles)
        {
            return $"it has more than {MaxFiles} files";
        }

        if (!IsAllowed(name))
        {
            return $"a file is called '{Shown(name)}', which is not {Rule}";
        }

        for (var slash = name.IndexOf('/'); slash >= 0; slash = name.IndexOf('/', slash + 1))
        {
            _folders.Add(name[..slash]);
        }

        return !_files.Add(name) || _folders.Overlaps(_files)
            ? $"the name '{name}' is there twice, capital and small letters being the same"
            : null;
    }
}
