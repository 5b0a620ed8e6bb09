using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Catalog;

/// <summary>A dimension that a model leaves open, where it is 0.</summary>
public sealed record EmptyExtent(string Input, int Dimension);

/// <summary>
/// Which tensors without elements a version is given. Some operators end the process over one, so that a version gets only what it has
/// run on when it was inspected (<see cref="ModelSignature.EmptyTried"/>).
/// </summary>
public static class EmptyExtents
{
    /// <summary>Whether any tensor has no elements; of most requests nothing else is asked.</summary>
    public static bool AreIn(IReadOnlyList<Tensor> inputs) => inputs.Any(i => Array.IndexOf(i.Shape, 0L) >= 0);

    /// <summary>The open dimensions that are 0, in the order of the signature; what the model itself declares as 0 is none.</summary>
    public static IReadOnlyList<EmptyExtent> Of(ModelSignature signature, IReadOnlyList<Tensor> inputs)
    {
        if (!AreIn(inputs))
        {
            return [];
        }

        List<EmptyExtent> empty = [];
        foreach (var declared in signature.Inputs.Concat(signature.OptionalInputs))
        {
            var shape = inputs.FirstOrDefault(i => i.Name == declared.Name)?.Shape ?? [];
            for (var d = 0; d < shape.Length; d++)
            {
                if (shape[d] == 0 && (d >= declared.Shape.Length || declared.Shape[d] == TensorShape.Variable))
                {
                    empty.Add(new EmptyExtent(declared.Name, d));
                }
            }
        }

        return empty;
    }

    /// <summary>Why a version is not given these inputs, in words for their sender; null where nothing keeps it from them.</summary>
    public static string? Refusal(ModelSignature signature, IReadOnlyList<Tensor> inputs)
    {
        var empty = Of(signature, inputs);
        if (empty.Count == 0 || signature.EmptyTried?.Any(tried => tried.SequenceEqual(empty)) == true)
        {
            return null;
        }

        var others = empty.Count == 1 ? "" : $" (with {empty.Count - 1} other dimensions)";
        return $"inputs['{empty[0].Input}'].shape: dimension {empty[0].Dimension} is 0{others}, "
            + (signature.EmptyTried is null
                ? "and it has yet to be tried whether the model can run on that: send it again in a minute"
                : "and the model did not run on that when it was inspected: give at least 1, or its version a sample request "
                    + "like this one");
    }
}
