namespace InferenceTemplate.Core.Tensors;

/// <summary>What a model declares of one input or output; -1 stands for a dimension of any size.</summary>
public sealed record TensorSignature(string Name, Datatype Datatype, long[] Shape);
