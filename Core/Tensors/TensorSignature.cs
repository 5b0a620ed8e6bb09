namespace InferenceTemplate.Core.Tensors;

/// <summary>What a model declares of one input or output; -1 stands for a dimension of any size.</summary>
/// <param name="Shape">Empty for a scalar, and where the rank is open.</param>
/// <param name="IsUnranked">Whether any number of dimensions may be given.</param>
public sealed record TensorSignature(string Name, Datatype Datatype, long[] Shape, bool IsUnranked = false)
{
    /// <summary>As clients are told: the protocol has no word for an open rank, so one dimension of any size stands for it.</summary>
    public long[] ToldShape() => IsUnranked ? [TensorShape.Variable] : Shape;
}
