using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Worker.Models;

/// <summary>An ONNX file found at <c>{model}/{version}/model.onnx</c>.</summary>
internal sealed record ModelFile(string Model, string Version, string Path)
{
    public const string FileName = "model.onnx";

    /// <summary>All model files beneath a folder, by name and then by version.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="InvalidDataException">A folder's name is not a model name or version.</exception>
    /// <param name="unreadable">Told of a model's folder that this user may not read, and why.</param>
    public static IReadOnlyList<ModelFile> Find(string directory, Action<string, string>? unreadable = null)
    {
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException(
                $"Worker:ModelsDirectory is '{directory}', which does not exist. Create it, or set it to the folder with the models.");
        }

        List<string> paths = [.. Directory.EnumerateFiles(directory, FileName)];
        foreach (var folder in Directory.EnumerateDirectories(directory))
        {
            try
            {
                paths.AddRange(Directory.EnumerateFiles(folder, FileName, SearchOption.AllDirectories));
            }
            catch (UnauthorizedAccessException exception)
            {
                // What can't be a model's, such as lost+found of a volume, is nobody's concern.
                if (System.IO.Path.GetFileName(folder) is var name && ModelNames.IsModel(name))
                {
                    unreadable?.Invoke(name, exception.Message);
                }
            }
        }

        return [.. paths
            .Select(path => Parse(directory, path))
            .OrderBy(f => f.Model, StringComparer.Ordinal)
            .ThenBy(f => CatalogSnapshot.NumberOf(f.Version))];
    }

    private static ModelFile Parse(string directory, string path)
    {
        var parts = System.IO.Path.GetRelativePath(directory, path).Split(System.IO.Path.DirectorySeparatorChar);
        if (parts is not [var model, var version, FileName] || !ModelNames.IsModel(model) || !ModelNames.IsVersion(version))
        {
            throw new InvalidDataException(
                $"'{path}' is not at {{model}}/{{version}}/{FileName}, the version being a positive integer and the model's name "
                + "made of letters, digits, '.', '_' and '-', starting with a letter or digit.");
        }

        return new ModelFile(model, version, path);
    }
}
