using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Pipelines;

namespace InferenceTemplate.Worker.Models;

/// <summary>A folder with the files of one model, as they come in an archive.</summary>
internal static class ModelFolder
{
    private const string Extension = ".onnx";
    private const int MaxNamed = 5;

    /// <summary>The ONNX file, or that of a pipeline, at its root, or in the one folder that holds everything.</summary>
    /// <exception cref="ModelRefusedException">There is none, or it can't be told which of several it is.</exception>
    public static string FindModel(string folder)
    {
        var root = new DirectoryInfo(folder);
        root = root.EnumerateFileSystemInfos().Take(2).ToList() is [DirectoryInfo only] ? only : root;
        var models = root.EnumerateFiles()
            .Where(f => f.Extension.Equals(Extension, StringComparison.OrdinalIgnoreCase))
            .OrderBy(f => f.Name, StringComparer.Ordinal)
            .ToList();
        if (models.Count == 0 && root.EnumerateFiles(PipelineSettings.FileName).FirstOrDefault() is { } pipeline)
        {
            return pipeline.FullName;
        }

        var model = models.Count == 1 ? models[0] : models.Find(f => f.Name == ModelFile.FileName);
        return model?.FullName ?? throw new ModelRefusedException(models.Count == 0
            ? $"the archive has no {Extension} file at its root, or in the one folder that holds everything"
            : $"the archive has several {Extension} files and none of them is {ModelFile.FileName}: {string.Join(", ", models.Take(MaxNamed).Select(f => f.Name))}");
    }

    /// <summary>Bytes of a file, or of all files beneath a folder.</summary>
    public static long BytesOf(string path) => Directory.Exists(path)
        ? new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length)
        : new FileInfo(path).Length;
}
