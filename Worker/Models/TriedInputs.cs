using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Worker.Models;

/// <summary>
/// Keeps tensors without elements from models that have not been tried on them, and numbers from those that they end. The Api asks too,
/// but not of whatever brings a request here: shadows and fallbacks get what another version was asked.
/// </summary>
internal sealed class TriedInputs(ModelCatalog catalog)
{
    /// <summary>Why a version does not get these inputs; null where it does.</summary>
    public string? Refusal(string model, string version, IReadOnlyList<Tensor> inputs)
    {
        var areEmpty = EmptyExtents.AreIn(inputs);
        if (!areEmpty && !inputs.Any(i => SmallestIntegers.IsSigned(i.Datatype)))
        {
            return null;
        }

        // Known already where a model is open, so that nothing is waited for; as it is now, since it may have been tried meanwhile.
        var known = catalog.SnapshotAsync(CancellationToken.None);
        var found = known.IsCompletedSuccessfully ? known.Result.Find(model, version) : null;
        if (found is null)
        {
            return areEmpty ? "a tensor has no elements, and what the model has been tried on can't be looked up now" : null;
        }

        return found.Metadata.Steps.Count > 0
            ? null
            : EmptyExtents.Refusal(found.Signature, inputs) ?? SmallestIntegers.Refusal(found.Signature, inputs);
    }
}
