using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Models;

/// <summary>Compares a request's tensors with what the model declares, before anything is queued.</summary>
public static class SignatureValidator
{
    /// <summary>The first thing wrong with the request, in words for its sender; null where it fits.</summary>
    /// <param name="batched">Whether requests share runs, so that the first dimension of each input counts the same rows.</param>
    /// <param name="tried">Whether tensors without elements must be some that the model has run on.</param>
    public static string? Validate(
        ModelSignature signature, Tensor[] inputs, string[] outputs, bool batched, bool tried = true)
    {
        foreach (var input in inputs)
        {
            var declared = Find(signature.Inputs, input.Name) ?? Find(signature.OptionalInputs, input.Name);
            if (declared is null)
            {
                return $"inputs: '{input.Name}' is not an input of this model; "
                    + $"it has {Names([.. signature.Inputs, .. signature.OptionalInputs])}";
            }

            if (Count(inputs, input.Name) > 1)
            {
                return $"inputs: '{input.Name}' is given more than once";
            }

            if (declared.Datatype != input.Datatype)
            {
                return $"inputs['{input.Name}'].datatype: {input.Datatype.Name()} given, {declared.Datatype.Name()} expected";
            }

            if (!declared.IsUnranked && !TensorShape.Fits(input.Shape, declared.Shape))
            {
                return $"inputs['{input.Name}'].shape: {TensorShape.Format(input.Shape)} given, "
                    + $"{TensorShape.Format(declared.Shape)} expected (-1 is any size)";
            }
        }

        foreach (var declared in signature.Inputs)
        {
            if (Count(inputs, declared.Name) == 0)
            {
                return $"inputs: '{declared.Name}' ({declared.Datatype.Name()} {(declared.IsUnranked ? "of any shape" : TensorShape.Format(declared.Shape))}) is missing";
            }
        }

        return (batched ? ValidateBatch(signature, inputs) : null)
            ?? (tried ? EmptyExtents.Refusal(signature, inputs) ?? SmallestIntegers.Refusal(signature, inputs) : null)
            ?? ValidateOutputs(signature, outputs);
    }

    // Rows of one request travel together: its inputs must agree on how many there are.
    private static string? ValidateBatch(ModelSignature signature, ReadOnlySpan<Tensor> inputs)
    {
        if (!signature.IsBatchable)
        {
            return null;
        }

        Tensor? first = null;
        foreach (var input in inputs)
        {
            // Optional inputs are those of the whole run, whatever their first dimension is.
            if (Find(signature.OptionalInputs, input.Name) is not null)
            {
                continue;
            }

            var rows = input.Shape[0];
            if (first is null && rows < 1)
            {
                return $"inputs['{input.Name}'].shape: the first dimension is the batch and must be at least 1";
            }

            first ??= input;
            if (rows != first.Shape[0])
            {
                return $"inputs['{input.Name}'].shape: a batch of {rows} given, but '{first.Name}' has {first.Shape[0]}";
            }
        }

        return null;
    }

    private static string? ValidateOutputs(ModelSignature signature, ReadOnlySpan<string> outputs)
    {
        foreach (var name in outputs)
        {
            if (Find(signature.Outputs, name) is null)
            {
                return $"outputs: '{name}' is not an output of this model; it has {Names(signature.Outputs)}";
            }
        }

        return null;
    }

    private static TensorSignature? Find(TensorSignature[] declared, string name)
    {
        foreach (var tensor in declared)
        {
            if (tensor.Name == name)
            {
                return tensor;
            }
        }

        return null;
    }

    private static int Count(ReadOnlySpan<Tensor> inputs, string name)
    {
        var count = 0;
        foreach (var input in inputs)
        {
            count += input.Name == name ? 1 : 0;
        }

        return count;
    }

    private static string Names(TensorSignature[] tensors) => string.Join(", ", tensors.Select(t => $"'{t.Name}'"));
}
