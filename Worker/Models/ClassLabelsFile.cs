using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Models;

/// <summary>The file beside a model's own that names its classes, one a line.</summary>
internal static class ClassLabelsFile
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What stands beside a model's file; null where there is no such file.</summary>
    /// <param name="where">What a message has before the file's name.</param>
    /// <exception cref="InvalidDataException">The file is too large, or not UTF-8.</exception>
    public static string? Read(string modelPath, string where = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(modelPath)!, ClassLabels.FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        if (new FileInfo(path).Length is var length && length > ClassLabels.MaxBytes)
        {
            throw new InvalidDataException($"{where}{ClassLabels.FileName} has {length} bytes; at most {ClassLabels.MaxBytes} are allowed");
        }

        try
        {
            return Utf8.GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidDataException($"{where}{ClassLabels.FileName} is not UTF-8", exception);
        }
    }

    /// <summary>What is known of a version, with the names that the file gives in place of those that the model does.</summary>
    /// <exception cref="InvalidDataException">
    /// There are outputs of a score for each class, and none has as many classes as there are names. Where all are of another form, as a
    /// detector's boxes, names are for the caller.
    /// </exception>
    public static VersionMetadata Added(VersionMetadata metadata, string labels, ModelSignature signature)
    {
        var names = ClassLabels.Parse(labels).Length;
        if (signature.Outputs.Any(output => output.Shape.Length == (signature.IsBatchable ? 2 : 1) || output.IsUnranked)
            && !signature.Outputs.Any(output => ClassesOf(output, signature.IsBatchable) is var classes && (classes == names || classes < 0)))
        {
            throw new InvalidDataException(
                $"{ClassLabels.FileName} names {names} classes, and no output has as many: "
                + string.Join(", ", signature.Outputs.Select(o => $"'{o.Name}' {o.Datatype.Name()} {TensorShape.Format(o.Shape)}")));
        }

        return metadata with
        {
            Properties = new Dictionary<string, string>(metadata.Properties, StringComparer.Ordinal) { [ClassLabels.Property] = labels },
        };
    }

    // As an answer counts them; -1 where the model leaves it open.
    private static long ClassesOf(TensorSignature output, bool isBatchable)
    {
        if (output.Datatype is Datatype.Bytes or Datatype.Bool)
        {
            return 0;
        }

        var classes = output.Shape.AsSpan(isBatchable && output.Shape.Length > 0 ? 1 : 0);
        return output.IsUnranked || classes.Contains(TensorShape.Variable) ? -1 : TensorShape.ElementCount(classes);
    }
}
