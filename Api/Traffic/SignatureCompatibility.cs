using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Whether one version can answer in another's place without its callers noticing.</summary>
public static class SignatureCompatibility
{
    /// <summary>The first thing that callers of <paramref name="stable"/> would trip over; null where there is none.</summary>
    public static string? Problem(ModelSignature stable, ModelSignature other)
    {
        foreach (var input in other.Inputs)
        {
            if (!stable.Inputs.Any(i => i.Name == input.Name))
            {
                return stable.OptionalInputs.Any(i => i.Name == input.Name)
                    ? $"its input '{input.Name}' is required, and optional in the stable version"
                    : $"its input '{input.Name}' is unknown to the stable version";
            }
        }

        TensorSignature[] accepted = [.. other.Inputs, .. other.OptionalInputs];
        return stable.Inputs.Concat(stable.OptionalInputs)
            .Select(input => Differs("input", input, Array.Find(accepted, i => i.Name == input.Name), mayOpen: true))
            .Concat(stable.Outputs.Select(output =>
                Differs("output", output, Array.Find(other.Outputs, o => o.Name == output.Name), mayOpen: false)))
            .FirstOrDefault(problem => problem is not null)
            ?? other.Outputs
                .Where(output => output.Datatype is Datatype.Fp16 or Datatype.Bf16 && stable.Outputs.All(o => o.Name != output.Name))
                .Select(output => $"its output '{output.Name}' is {output.Datatype.Name()}, which callers of the stable version, who do "
                    + "not name it, can't be given as JSON")
                .FirstOrDefault();
    }

    // An input may accept more than the stable version's does; an output must be what callers know.
    private static string? Differs(string kind, TensorSignature expected, TensorSignature? actual, bool mayOpen)
    {
        if (actual is null)
        {
            return $"it has no {kind} '{expected.Name}'";
        }

        if (actual.Datatype != expected.Datatype)
        {
            return $"its {kind} '{expected.Name}' is {actual.Datatype.Name()}, not {expected.Datatype.Name()}";
        }

        var fits = (mayOpen && actual.IsUnranked)
            || (expected.IsUnranked == actual.IsUnranked
                && (mayOpen ? TensorShape.Fits(expected.Shape, actual.Shape) : expected.Shape.AsSpan().SequenceEqual(actual.Shape)));
        return fits
            ? null
            : $"its {kind} '{expected.Name}' is {TensorShape.Format(actual.ToldShape())}, not {TensorShape.Format(expected.ToldShape())}";
    }
}
