using System.ComponentModel.DataAnnotations;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Catalog;

/// <summary>
/// Bounds on inputs and outputs. The Api refuses requests beyond them; the Worker refuses models that no request within them could call.
/// </summary>
public class SignatureLimits
{
    /// <summary>Inputs of a request, and outputs that it may ask for; models with more are rejected. Default 256.</summary>
    [Range(1, 1024)]
    public int MaxTensors { get; set; } = 256;

    /// <summary>Elements of one tensor. Default 16 Mi.</summary>
    [Range(1, 128 * 1024 * 1024)]
    public int MaxElements { get; set; } = 16 * 1024 * 1024;

    /// <summary>Dimensions of one tensor. Default 16.</summary>
    [Range(1, 64)]
    public int MaxDimensions { get; set; } = 16;

    /// <summary>Characters of the name of an input or output. Default 256.</summary>
    [Range(1, 4096)]
    public int MaxNameLength { get; set; } = 256;

    /// <summary>Why no request could call a model with this signature; null where one can.</summary>
    public string? Refusal(ModelSignature signature) =>
        Refusal("input", signature.Inputs) ?? Refusal("output", signature.Outputs);

    /// <summary>Old exporters declare each weight as an input: where no request could bring all that are declared, none is one.</summary>
    public ModelSignature WithoutWeights(ModelSignature signature) =>
        signature.Inputs.Length + signature.OptionalInputs.Length > MaxTensors ? signature with { OptionalInputs = [] } : signature;

    private string? Refusal(string kind, TensorSignature[] tensors)
    {
        if (tensors.Length > MaxTensors)
        {
            return $"it has {tensors.Length} {kind}s, and a request may have {MaxTensors} (Limits:MaxTensors)";
        }

        foreach (var tensor in tensors)
        {
            if (tensor.Name.Length > MaxNameLength)
            {
                return $"the name of {kind} '{tensor.Name[..32]}...' has {tensor.Name.Length} characters, and {MaxNameLength} may be given (Limits:MaxNameLength)";
            }

            if (tensor.Shape.Length > MaxDimensions)
            {
                return $"{kind} '{tensor.Name}' has {tensor.Shape.Length} dimensions, and a tensor may have {MaxDimensions} (Limits:MaxDimensions)";
            }

            // What an output has is bounded by its bytes.
            var least = tensor.Shape.Where(d => d != TensorShape.Variable).Aggregate(1.0, (elements, extent) => elements * extent);
            if (kind == "input" && least > MaxElements)
            {
                return $"input '{tensor.Name}' has {least:0} elements at least, and a tensor may have {MaxElements} (Limits:MaxElements)";
            }
        }

        return null;
    }
}
