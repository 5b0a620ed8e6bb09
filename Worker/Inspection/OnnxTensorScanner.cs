namespace InferenceTemplate.Worker.Inspection;

/// <summary>The constants of a model: whether they are in the file, and as large as they say.</summary>
internal sealed class OnnxTensorScanner(ProtobufReader reader)
{
    private const int External = 1;

    // The smallest elements have two bits.
    private const int MaxElementsPerByte = 4;

    // A sparse tensor is made dense when it is opened.
    private const long MaxSparseElements = 1L << 28;

    public void Tensor(ProtobufField tensor)
    {
        long elements = 1;
        for (ProtobufField field; reader.TryNext(tensor.End, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1 }:
                    elements = Dimensions(field, elements);
                    break;
                case { Number: 13, IsBlock: true }:
                case { Number: 14, IsVarint: true, Value: External }:
                    throw new ModelRefusedException("it keeps data outside the file; convert it to one file");
            }
        }

        if (elements > tensor.Length * MaxElementsPerByte)
        {
            throw new ModelRefusedException($"a constant declares {elements} elements but holds {tensor.Length} bytes");
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
