using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Text;

namespace InferenceTemplate.Worker.Preprocessing;

/// <summary>Finds what the files beside a model's own declare.</summary>
internal static class Preprocessors
{
    /// <summary>What they declare; null where they declare nothing.</summary>
    /// <exception cref="ModelRefusedException">They declare something that can't be; the message says why.</exception>
    public static IPreprocessor? Beside(string modelPath, ImageLimits images)
    {
        var beside = ExternalFiles.Beside(modelPath);
        if (!beside.Has(ImageSettings.FileName))
        {
            return beside.Has(TextSettings.FileName) ? TextPipeline.Read(modelPath, beside) : null;
        }

        return beside.Has(TextSettings.FileName)
            ? throw new ModelRefusedException($"it has both {TextSettings.FileName} and {ImageSettings.FileName}; one is possible")
            : new ImagePipeline(ImageSettings.Read(PathBeside(modelPath, ImageSettings.FileName)), images);
    }

    /// <summary>The names of the files that it needs; whatever is wrong with them, <see cref="Beside"/> says so.</summary>
    public static IReadOnlyList<string> FilesBeside(string modelPath, ExternalFiles beside)
    {
        List<string> files = [.. ((string[])[TextSettings.FileName, ImageSettings.FileName]).Where(beside.Has)];
        if (files.Contains(TextSettings.FileName))
        {
            try
            {
                var vocabulary = TextSettings.Read(PathBeside(modelPath, TextSettings.FileName)).Vocabulary;
                files.AddRange(beside.Has(vocabulary) ? [vocabulary] : []);
            }
            catch (ModelRefusedException)
            {
                // The settings alone tell it.
            }
        }

        return files;
    }

    public static string PathBeside(string modelPath, string name) => Path.Combine(Path.GetDirectoryName(modelPath)!, name);
}
