namespace InferenceTemplate.Bench.Models;

/// <summary>A models folder with one version of one model.</summary>
internal sealed class FilesOfModel : IDisposable
{
    public FilesOfModel(string name, (string Name, byte[] Content)[] files)
    {
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(Path, name, "1")).FullName;
        foreach (var (file, content) in files)
        {
            File.WriteAllBytes(System.IO.Path.Combine(folder, file), content);
        }
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("inference-bench-models-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
