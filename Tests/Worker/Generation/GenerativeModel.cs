using InferenceTemplate.Core.Generation;
using InferenceTemplate.Worker.Generation;

namespace InferenceTemplate.Tests.Worker.Generation;

/// <summary>The tiny decoder in a folder of its own.</summary>
internal sealed class GenerativeModel(params (string Name, byte[] Content)[] files) : IDisposable
{
    public string Folder { get; } = Write(files);

    public string Path => System.IO.Path.Combine(Folder, "model.onnx");

    public GenerationModel Open(int maxTokens = 30_000, TimeSpan? templateTime = null) =>
        GenerationModel.Open(GenerationConfig.Beside(Path)!, threads: 1, maxTokens, templateTime ?? TimeSpan.FromMinutes(1));

    public static GenerationRequest Chat(string content, int? maxTokens = null) =>
        new() { Messages = [new("user", content)], MaxTokens = maxTokens, Temperature = 0 };

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Write((string Name, byte[] Content)[] files)
    {
        var folder = Directory.CreateTempSubdirectory("generative-model-").FullName;
        foreach (var (name, content) in files)
        {
            File.WriteAllBytes(System.IO.Path.Combine(folder, name), content);
        }

        return folder;
    }
}
