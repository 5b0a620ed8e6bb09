using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Models;

/// <summary>Compares a request's tensors with what the model declares, before anything is queued.</summary>
public static class SignatureValidator
{
    /// <summary>The first thing wrong with the request, in words for its sender; null where it fits.</summary>
    /// <param name="batched">Whether requests share runs, so that the first dimension of each input counts the same rows.</param>
    public static string? Validate(ModelSignature signature, IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs, bool batched)
    {
        foreach (var input in inputs)
        {
            var declared = Array.Find(signature.Inputs, d => d.Name == input.Name)
                ?? Array.Find(signature.OptionalInputs, d => d.Name == input.Name);
            if (declared is null)
            {
                return $"inputs: '{input.Name}' is not an input of this model; "
                    + $"it has {Names([.. signature.Inputs, .. signature.OptionalInputs])}";
            }

            if (inputs.Count(i => i.Name == input.Name) > 1)
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
            if (!inputs.Any(i => i.Name == declared.Name))
            {
                return $"inputs: '{declared.Name}' ({declared.Datatype.Name()} {(declared.IsUnranked ? "of any shape" : TensorShape.Format(declared.Shape))}) is missing";
            }
        }

        return (batched ? ValidateBatch(signature, inputs) : null) ?? ValidateOutputs(signature, outputs);
    }

    // Rows of one request travel together: its inputs must agree on how many there are.
    private static string? ValidateBatch(ModelSignature signature, IReadOnlyList<Tensor> inputs)
    {
        if (!signature.IsBatchable)
        {
            return null;
        }

        // Optional inputs are those of the whole run, whatever their first dimension is.
        var rowInputs = inputs.Where(i => !signature.OptionalInputs.Any(o => o.Name == i.Name)).ToList();
        var rows = rowInputs[0].Shape[0];
        if (rows < 1)
        {
            return $"inputs['{rowInputs[0].Name}'].shape: the first dimension is the batch and must be at least 1";
        }

        var other = rowInputs.Find(i => i.Shape[0] != rows);
        return other is null
            ? null
            : $"inputs['{other.Name}'].shape: a batch of {other.Shape[0]} given, but '{rowInputs[0].Name}' has {rows}";
    }

    private static string? ValidateOutputs(ModelSignature signature, IReadOnlyList<string> outputs)
    {
        var unknown = outputs.FirstOrDefault(name => !signature.Outputs.Any(o => o.Name == name));
        return unknown is null
            ? null
            : $"outputs: '{unknown}' is not an output of this model; it has {Names(signature.Outputs)}";
    }

    private static string Names(TensorSignature[] tensors) => string.Join(", ", tensors.Select(t => $"'{t.Name}'"));
}
