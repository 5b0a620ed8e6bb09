using System.Buffers.Binary;
using System.Text;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Tests.Worker.Text;

/// <summary>A folder with a model that takes text.</summary>
internal sealed class TextModel : IDisposable
{
    public const string Words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n";

    public const string Settings =
        """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean", "normalize": false}""";

    public TextModel(params (string Name, byte[] Content)[] files)
    {
        foreach (var (name, content) in files)
        {
            File.WriteAllBytes(Path.Combine(Folder, name), content);
        }
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("text-model-").FullName;

    /// <summary>Looks each token up in a table, two numbers for each; six tokens are known.</summary>
    public static OnnxModel Table => new OnnxModel()
        .Input("input_ids", OnnxModel.Int64, -1, -1)
        .Input("attention_mask", OnnxModel.Int64, -1, -1)
        .Output("tokens", OnnxModel.Float, -1, -1, 2)
        .Constant("table", [99, 99, 1, 0, 0, 0, 0, 0, 4, 0, 0, 8], 6, 2)
        .Node("Gather", ["table", "input_ids"], ["tokens"]);

    /// <summary>An embedding of its own, but as wide as its text is long with padding.</summary>
    public static OnnxModel AsWideAsLong => new OnnxModel()
        .Input("input_ids", OnnxModel.Int64, -1, -1)
        .Input("attention_mask", OnnxModel.Int64, -1, -1)
        .Output("pooled", OnnxModel.Float, -1, -1)
        .Node("Cast", ["attention_mask"], ["pooled"], ("to", OnnxModel.Float));

    public static TextModel Small(byte[]? model = null, string settings = Settings, string words = Words) => new(
        ("model.onnx", model ?? Table.ToBytes()),
        ("text.json", Encoding.UTF8.GetBytes(settings)),
        ("vocab.txt", Encoding.UTF8.GetBytes(words)));

    public ModelSession Open(string name = "m")
    {
        var path = Path.Combine(Folder, "model.onnx");
        return ModelSession.Open(
            new ModelFile(name, "1", path), Execution.TestModels.Cpu, Preprocessors.Beside(path, ImageLimits.Of(new())));
    }

    public static Tensor[] Request(params string[] texts) => Request([.. texts.Select(Encoding.UTF8.GetBytes)]);

    public static Tensor[] Request(byte[][] texts)
    {
        using var data = new MemoryStream();
        Span<byte> length = stackalloc byte[sizeof(uint)];
        foreach (var text in texts)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)text.Length);
            data.Write(length);
            data.Write(text);
        }

        return [new Tensor("text", Datatype.Bytes, [texts.Length], data.ToArray())];
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
