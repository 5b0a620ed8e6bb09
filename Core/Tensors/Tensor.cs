namespace InferenceTemplate.Core.Tensors;

/// <summary>A named tensor: its elements row-major, little-endian, without padding.</summary>
/// <param name="Shape">Sizes of the dimensions, all zero or more.</param>
/// <param name="Data">As long as the shape and datatype say; for <see cref="Datatype.Bytes"/>, length-prefixed elements.</param>
public sealed record Tensor(string Name, Datatype Datatype, long[] Shape, ReadOnlyMemory<byte> Data)
{
    public long ElementCount => TensorShape.ElementCount(Shape);
}
