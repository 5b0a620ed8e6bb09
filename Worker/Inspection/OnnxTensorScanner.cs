using System.Globalization;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>The constants of a model: whether they are in its files, and as large as they say.</summary>
internal sealed class OnnxTensorScanner(ProtobufReader reader, ExternalFiles files)
{
    private const int External = 1;
    private const int MaxName = 256;

    // The smallest elements have two bits.
    private const int MaxElementsPerByte = 4;

    // A sparse tensor is made dense when it is opened.
    private const long MaxSparseElements = 1L << 28;

    public void Tensor(ProtobufField tensor)
    {
        var (elements, held, name) = (1L, tensor.Length, "a constant");
        Dictionary<string, string>? external = null;
        for (ProtobufField field; reader.TryNext(tensor.End, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1 }:
                    elements = Dimensions(field, elements);
                    break;
                case { Number: 8, IsBlock: true, Length: > 0 }:
                    name = $"the constant '{reader.ReadText(field, MaxName)}'";
                    break;
                case { Number: 13, IsBlock: true }:
                    ExternalEntry(field.End, external ??= new(StringComparer.Ordinal));
                    break;
                case { Number: 14, IsVarint: true, Value: External }:
                    external ??= new(StringComparer.Ordinal);
                    break;
            }
        }

        if (external is not null)
        {
            held = Outside(name, external);
        }

        if (elements > held * MaxElementsPerByte)
        {
            throw new ModelRefusedException($"{name} declares {elements} elements but holds {held} bytes");
        }
    }

    private long Outside(string name, Dictionary<string, string> external)
    {
        if (!external.TryGetValue("location", out var location))
        {
            throw new ModelRefusedException($"it keeps data outside the file: {name}, and does not say where");
        }

        return files.Use(name, location, Number(name, external, "offset") ?? 0, Number(name, external, "length"));
    }

    // A length of 0 is none, to ONNX Runtime too.
    private static long? Number(string name, Dictionary<string, string> external, string key) =>
        !external.TryGetValue(key, out var text) ? null
        : !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? throw new ModelRefusedException($"it keeps data outside the file: {name}, whose {key} is no number")
            : number > 0 ? number : null;

    // A pair of texts. ONNX Runtime may take another one of two, or know more keys, than what is checked here.
    private void ExternalEntry(long end, Dictionary<string, string> external)
    {
        var (key, value) = ("", "");
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsBlock: true }:
                    key = reader.ReadExactText(field, MaxName);
                    break;
                case { Number: 2, IsBlock: true }:
                    value = reader.ReadExactText(field, MaxName);
                    break;
            }
        }

        if (key is not ("location" or "offset" or "length" or "checksum") || !external.TryAdd(key, value))
        {
            throw new ModelRefusedException(
                $"it keeps data outside the file, described by '{ModelFileNames.Shown(key)}', which is not known or there twice");
        }
    }

    public void SparseTensor(long end)
    {
        long elements = 1;
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1 or 2, IsBlock: true }:
                    Tensor(field);
                    break;
                case { Number: 3 }:
                    elements = Dimensions(field, elements);
                    break;
            }
        }

        if (elements > MaxSparseElements)
        {
            throw new ModelRefusedException(
                $"a sparse constant has {elements} elements when it is made dense; {MaxSparseElements} are allowed");
        }
    }

    // One number, or a block of them.
    private long Dimensions(ProtobufField field, long elements)
    {
        if (field.IsVarint)
        {
            return Multiply(elements, field.Value);
        }

        while (field.IsBlock && reader.Position < field.End)
        {
            elements = Multiply(elements, reader.ReadVarint(field.End));
        }

        return elements;
    }

    private static long Multiply(long elements, ulong dimension)
    {
        if (dimension > long.MaxValue || (dimension > 0 && elements > long.MaxValue / (long)dimension))
        {
            throw new ModelRefusedException("the dimensions of a constant are negative or too large");
        }

        return elements * (long)dimension;
    }
}
