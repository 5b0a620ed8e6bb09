using System.Collections.Frozen;
using System.Text;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>What the template made.</summary>
public sealed class GeneratedProject
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public GeneratedProject(HostileName name, Choice choice, string root, string said)
    {
        (Name, Choice, Root, Said) = (name, choice, root, said);
        Files = [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, path).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        Texts = Files.Select(file => (file, text: Read(Path.Combine(root, file)))).Where(each => each.text is not null)
            .ToFrozenDictionary(each => each.file, each => each.text!, StringComparer.Ordinal);
    }

    public HostileName Name { get; }

    public Choice Choice { get; }

    public string Root { get; }

    /// <summary>What <c>dotnet new</c> printed.</summary>
    public string Said { get; }

    /// <summary>By their paths from the root, with slashes.</summary>
    public IReadOnlyList<string> Files { get; }

    public IReadOnlyDictionary<string, string> Texts { get; }

    public string PathOf(string file) => Path.Combine(Root, file);

    public bool Exists(string path) => File.Exists(PathOf(path)) || Directory.Exists(PathOf(path));

    public override string ToString() => $"-n '{Name.Name}' {Choice}";

    private static string? Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes.AsSpan().Contains((byte)0))
        {
            return null;
        }

        try
        {
            return s_strict.GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
