using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Execution;

/// <summary>An input of zeros, or of empty texts; dimensions that are open, but for the batch, are one.</summary>
internal static class ZeroInput
{
    public static Tensor Of(TensorSignature input, int rows = 1) =>
        new(input.Name, input.Datatype, Shape(input, rows), new byte[BytesOf(input, rows)]);

    public static long BytesOf(TensorSignature input, int rows) => TensorShape.ElementCount(Shape(input, rows)) * ElementSize(input);

    private static long[] Shape(TensorSignature input, int rows) =>
        [.. input.Shape.Select((d, i) => d != TensorShape.Variable ? d : i == 0 ? rows : 1)];

    // An empty text is four bytes of length.
    private static int ElementSize(TensorSignature input) => input.Datatype == Datatype.Bytes ? sizeof(uint) : input.Datatype.Size();
}
