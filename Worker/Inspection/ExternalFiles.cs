using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>The files beside and beneath an ONNX file: it may keep the data of its constants in them, or how its inputs are made.</summary>
internal sealed class ExternalFiles
{
    private readonly Dictionary<string, long> _lengths;
    private readonly SortedSet<string> _used = new(StringComparer.Ordinal);

    private ExternalFiles(Dictionary<string, long> lengths) => _lengths = lengths;

    /// <summary>All of them.</summary>
    public IEnumerable<string> Names => _lengths.Keys;

    /// <summary>Those that the model names, by their paths from its own, with '/'.</summary>
    public IReadOnlySet<string> Used => _used;

    /// <summary>Of those, in whole.</summary>
    public long UsedBytes => _used.Sum(name => _lengths[name]);

    /// <summary>For a model that stands alone.</summary>
    public static ExternalFiles None() => new([]);

    /// <summary>All files beside and beneath a model's own. Links are none: they may lead anywhere.</summary>
    public static ExternalFiles Beside(string modelPath)
    {
        var model = new FileInfo(modelPath);
        var folder = model.Directory!;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        return new(folder.EnumerateFiles("*", options)
            .Where(f => f.FullName != model.FullName)
            .ToDictionary(
                f => Path.GetRelativePath(folder.FullName, f.FullName).Replace(Path.DirectorySeparatorChar, '/'),
                f => f.Length,
                StringComparer.Ordinal));
    }

    /// <summary>Whether there is such a file, which is no link.</summary>
    public bool Has(string name) => _lengths.ContainsKey(name);

    /// <summary>How many bytes there are of what a constant keeps outside the model's file.</summary>
    /// <param name="constant">What it is called in a message.</param>
    /// <param name="length">Null for up to the end.</param>
    /// <exception cref="ModelRefusedException">They are not all in a file that is here.</exception>
    public long Use(string constant, string location, long offset, long? length)
    {
        // Some exporters begin a path relative to the model so.
        location = location.StartsWith("./", StringComparison.Ordinal) ? location[2..] : location;
        var where = $"it keeps data outside the file: {constant} is in '{ModelFileNames.Shown(location)}'";
        if (!ModelFileNames.IsAllowed(location))
        {
            throw new ModelRefusedException($"{where}, which is not {ModelFileNames.Rule}");
        }

        if (!_lengths.TryGetValue(location, out var has))
        {
            throw new ModelRefusedException(
                $"{where}, which is not there; upload both together, as a zip, a tar or multipart/form-data");
        }

        if (offset > has || length > has - offset)
        {
            throw new ModelRefusedException($"{where} from {offset}{(length is null ? "" : $", {length} bytes")}, and that has {has} bytes");
        }

        _used.Add(location);
        return length ?? has - offset;
    }
}
