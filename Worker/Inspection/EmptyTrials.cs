using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// Tries on which tensors without elements a model runs: its open dimensions are 0 in turn, together where they belong together. The
/// process may die of any.
/// </summary>
/// <param name="sample">The inputs of the version's sample request; null where it has none.</param>
/// <param name="spent">The part of the time for this that is over: 1 is all of it.</param>
internal sealed class EmptyTrials(ModelSession session, Tensor[]? sample, Func<double> spent)
{
    /// <summary>Sets of dimensions that are tried; of the rest nothing is known, and none is 0 in what the model gets.</summary>
    public const int MaxSets = 64;

    // Of the inputs that are not empty.
    private const long MaxBytes = 8L << 20;

    private readonly ModelSignature _signature = session.Signature;

    /// <summary>What may be 0 at once. The dimension that is most often the batch comes last.</summary>
    public IReadOnlyList<EmptyExtent[]> Sets()
    {
        var inputs = _signature.Inputs;
        var open = inputs.SelectMany(i => Enumerable.Range(0, i.Shape.Length)
            .Where(d => i.Shape[d] == TensorShape.Variable).Select(d => new EmptyExtent(i.Name, d))).ToList();
        var shapes = inputs.ToDictionary(i => i.Name, i => $"{i.Datatype} {TensorShape.Format(i.Shape)}");
        List<EmptyExtent[]> sets =
        [
            // Those of one name have one size; those without, and those of inputs that look alike, as a cache for each layer, may have.
            .. open.GroupBy(e => session.SymbolOf(e.Input, e.Dimension) is { Length: > 0 } name ? name : $"\0{e.Input} {e.Dimension}")
                .Select(group => group.ToArray()),
            .. open.GroupBy(e => (shapes[e.Input], e.Dimension)).Select(group => group.ToArray()),
        ];
        if (_signature.IsBatchable)
        {
            sets.Add([.. open.Where(e => e.Dimension == 0)]);
        }

        return [.. sets.DistinctBy(set => string.Join('\0', set.Select(e => $"{e.Input}\0{e.Dimension}")))
            .OrderBy(set => set.Any(e => e.Dimension == 0)).Take(MaxSets)];
    }

    /// <summary>What is 0 in the sample request; empty where nothing is.</summary>
    public IReadOnlyList<EmptyExtent> OfSample() => sample is null ? [] : EmptyExtents.Of(_signature, sample);

    /// <summary>Runs the model with these dimensions 0, on its sample request and on made-up inputs until it takes one.</summary>
    /// <returns>What was 0 where it ran: the sample request may have more that is.</returns>
    public IReadOnlyList<EmptyExtent>? Try(EmptyExtent[] set)
    {
        using var instance = session.CreateInstance();
        foreach (var inputs in Inputs(set).TakeWhile(_ => spent() < 1))
        {
            if (FirstRun.Failure(instance, inputs) is null)
            {
                return EmptyExtents.Of(_signature, inputs);
            }
        }

        return null;
    }

    private static Tensor Emptied(Tensor given, EmptyExtent[] set)
    {
        var zeros = Array.FindAll(set, e => e.Input == given.Name);
        return zeros.Length == 0 ? given : given with
        {
            Shape = [.. given.Shape.Select((size, d) => Array.Exists(zeros, z => z.Dimension == d) ? 0 : size)],
            Data = default,
        };
    }

    private IEnumerable<Tensor[]> Inputs(EmptyExtent[] set)
    {
        if (sample is not null)
        {
            yield return [.. sample.Select(given => Emptied(given, set))];
        }

        foreach (var style in InputStyle.All(_signature))
        {
            var made = new MadeUpInputs(_signature, style, session.ElementsOf, empty: set);
            if (made.Size(1) <= MaxBytes)
            {
                yield return made.Make(1, seed: 1);
            }
        }
    }
}
