using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// Tries whether rows of a batch are independent. Requests run alone and beside others, in both orders and at several sizes: with any
/// neighbour, extreme ones too, a request's rows must come out the same bit for bit; against its run alone, floats may differ by what
/// another order of additions makes of them.
/// </summary>
/// <param name="sample">The inputs of the version's sample request; null where it has none.</param>
/// <param name="elements">Of which made-up ones are made, by the input; null where any words will do.</param>
/// <param name="spent">The part of the time for this that is over: 1 is all of it.</param>
internal sealed class BatchProver(
    IModelInstance instance, ModelSignature signature, int largestBatch, Tensor[]? sample, Func<string, MadeUpElements?> elements,
    Func<double> spent)
{
    // Where open dimensions have any extent, one that runs may be special: two are tried.
    private const int ExtentsTried = 2;
    private const long MaxBytes = 64L << 20;
    private const long MaxOutputBytes = 32L << 20;
    private const int SmallestLargest = 8;
    private const int NeighbourSeed = 1000;

    private const double ShareForLargest = 0.5;
    private const int LargestRuns = 3;
    private const int InputsFilled = 8;

    private static readonly (int Request, int Neighbour)[] Small = [(1, 1), (2, 3)];
    private static readonly int[] Seeds = [1, 2];
    private readonly TrialRuns _runs = new(instance, signature, spent);
    private readonly bool[] _varied = new bool[signature.Outputs.Length];
    private string _values = "";
    private ProbeOutput[]? _first;
    private int _largest;

    public BatchProof Prove(IEnumerable<string> operators)
    {
        if (!signature.IsBatchable)
        {
            return new(false, "an input or output does not leave its first dimension open");
        }

        if (BatchOperators.Refusal(operators) is { } refusal)
        {
            return new(false, refusal);
        }

        try
        {
            return ProveBySomeValues();
        }
        catch (NotProvenException exception)
        {
            return new(false, exception.Message);
        }
    }

    // What the version is known to take is added to what is made up: where that runs as well, both must say the same.
    private BatchProof ProveBySomeValues()
    {
        var untold = sample is null ? null : TryBySample(sample);
        try
        {
            return ProveByMadeUpValues(sample is not null && untold is null);
        }
        catch (NotProvenException exception) when (
            sample is not null && exception is DidNotRunException or OutOfTimeException or OutOfMemoryRunException)
        {
            return untold is null ? new(true) : new(false, $"{untold}; {exception.Message}");
        }
    }

    // Why nothing could be told from the sample; null where rows came out independent.
    private string? TryBySample(Tensor[] given)
    {
        var untold = "its sample request has one row, and no floats that could be varied: give it rows that differ";
        foreach (var varied in (bool[])[true, false])
        {
            var rows = new SampleRows(signature, given, varied);
            var inputs = new MadeUpInputs(signature, InputStyle.All(signature).First(), elements, rows);
            if (varied ? !SampleRows.CanVary(signature) : rows.Count == 1)
            {
                continue;
            }

            try
            {
                Begin("its sample request");
                ProveEssentials(inputs);
                ProveFurther([inputs]);
                if (Constant() is not { } constant)
                {
                    return null;
                }

                untold = $"output '{constant.Name}' was the same for every row of its sample request: give it rows that differ";
            }
            catch (DidNotRunException exception)
            {
                untold = exception.Message;
            }
        }

        return untold;
    }

    // Kinds of values are tried until the model runs with whatever is made of one.
    private BatchProof ProveByMadeUpValues(bool provenBySample)
    {
        DidNotRunException? last = null;
        foreach (var kind in InputStyle.All(signature).Where(s => s.Least < s.Most).GroupBy(s => s with { Extent = 0 }))
        {
            try
            {
                Begin("made-up inputs");
                var styles = Runnable(kind).ConvertAll(s => new MadeUpInputs(signature, s, elements));
                ProveEssentials(styles[0]);
                ProveFurther(styles);
                return !provenBySample && Constant() is { } constant
                    ? new(false, $"output '{constant.Name}' was the same for every made-up input, so that nothing could be told from it")
                    : new(true);
            }
            catch (DidNotRunException exception)
            {
                last = exception;
            }
        }

        throw new DidNotRunException(last!.Message);
    }

    private void Begin(string values)
    {
        Array.Clear(_varied);
        (_first, _values) = (null, values);
    }

    private TensorSignature? Constant() => signature.Outputs.Where((o, i) => !_varied[i] && IsTold(o)).FirstOrDefault();

    // A label that is always the same says little; a number that is says that nothing was seen.
    private bool IsTold(TensorSignature output) =>
        output.Datatype is Datatype.Fp16 or Datatype.Bf16 or Datatype.Fp32 or Datatype.Fp64 || !_varied.Contains(true);

    // The first extents with which a single row runs.
    private List<InputStyle> Runnable(IEnumerable<InputStyle> extents)
    {
        var (failure, found) = ("none is small enough to be made up", new List<InputStyle>());
        foreach (var style in extents.TakeWhile(_ => found.Count < ExtentsTried))
        {
            var inputs = new MadeUpInputs(signature, style, elements);
            var rows = found.Count == 0 ? 1 : Small[^1].Request + Small[^1].Neighbour;
            if (inputs.Size(rows) <= MaxBytes && _runs.TryRun([inputs.Make(1, Seeds[0])], out failure) is not null)
            {
                found.Add(style);
            }
        }

        return found.Count > 0 ? found : throw new DidNotRunException($"it did not run with one row of made-up inputs: {failure}");
    }

    // Without these nothing is proven.
    private void ProveEssentials(MadeUpInputs inputs)
    {
        var (spentBefore, rowsBefore) = (_runs.Spent, _runs.Rows);
        foreach (var (request, neighbour) in Small)
        {
            Prove(inputs, request, neighbour, Seeds[0], Neighbours(inputs, fills: 2));
        }

        var perRow = (_runs.Spent - spentBefore) / (_runs.Rows - rowsBefore);
        var largest = largestBatch;
        while (largest > SmallestLargest
            && (inputs.Size(largest) > MaxBytes
                || largest * _runs.OutputBytesPerRow > MaxOutputBytes
                || LargestRuns * largest * perRow > ShareForLargest * (1 - _runs.Spent)))
        {
            largest /= 2;
        }

        for (_largest = largest; ; _largest /= 2)
        {
            try
            {
                Prove(inputs, 1, _largest - 1, Seeds[0], []);
                return;
            }
            catch (OutOfMemoryRunException) when (_largest > SmallestLargest)
            {
                // Fewer rows tell as much.
            }
        }
    }

    // The more the better, as far as there is time.
    private void ProveFurther(List<MadeUpInputs> styles)
    {
        try
        {
            foreach (var (inputs, seed) in styles.SelectMany(i => Seeds.Reverse().Select(s => (i, s))))
            {
                foreach (var (request, neighbour) in Small)
                {
                    Prove(inputs, request, neighbour, seed, Neighbours(inputs, fills: int.MaxValue));
                }
            }

            Prove(styles[0], _largest / 2, _largest - (_largest / 2), Seeds[0], Neighbours(styles[0], fills: 1));
        }
        catch (Exception exception) when (exception is OutOfTimeException or OutOfMemoryRunException)
        {
            // What had to be tried has been.
        }
    }

    // Ordinary ones, then each input filled in so many other ways.
    private static List<(Fill Fill, int? Only)> Neighbours(MadeUpInputs inputs, int fills) =>
    [
        (Fill.Ordinary, null),
        .. Enumerable.Range(0, Math.Min(inputs.Inputs, InputsFilled))
            .SelectMany(i => inputs.FillsFor(i).Take(fills).Select(f => (f, (int?)i))),
    ];

    private void Prove(MadeUpInputs inputs, int request, int neighbour, int seed, List<(Fill Fill, int? Only)> neighbours)
    {
        var mine = inputs.Make(request, seed);
        var ordinary = inputs.Make(neighbour, seed + NeighbourSeed);
        var alone = Run([mine], request);
        if (!alone.Zip(Run([mine], request)).All(p => p.First.Rows(0, request).SequenceEqual(p.Second.Rows(0, request))))
        {
            throw new NotProvenException("its answers differ from run to run of the same input");
        }

        var other = Run([ordinary], neighbour);
        Note(alone, request);
        Note(other, neighbour);
        var before = Run([mine, ordinary], request + neighbour);
        var after = Run([ordinary, mine], request + neighbour);
        Compare(alone, before, 0, request);
        Compare(other, before, request, neighbour);
        Compare(other, after, 0, neighbour);
        Compare(alone, after, neighbour, request);
        for (var i = 0; i < neighbours.Count; i++)
        {
            var beside = inputs.Make(neighbour, seed + NeighbourSeed + 1 + i, neighbours[i].Fill, neighbours[i].Only);
            CompareBeside([mine, beside], beside, before, 0, request);
            CompareBeside([beside, mine], beside, after, neighbour, request);
        }
    }

    // The same shapes take the same way through the kernels: not one bit may depend on who is beside. Where rows run apart, the shapes may
    // be others.
    private void CompareBeside(Tensor[][] batch, Tensor[] beside, ProbeOutput[] expected, int first, int rows)
    {
        if (_runs.TryRun(batch, out var failure) is not { } together)
        {
            if (_runs.TryRun([beside], out _) is not null)
            {
                throw new NotProvenException($"requests that run alone failed together: {failure}");
            }

            return;
        }

        TrialRuns.CheckExtents(together, (int)batch.Sum(b => b[0].Shape[0]));
        foreach (var (output, wanted) in together.Zip(expected))
        {
            if (!output.Shape.AsSpan().SequenceEqual(wanted.Shape) || !(instance.SplitsBatches
                ? output.IsClose(first, rows, wanted, first)
                : output.Rows(first, rows).SequenceEqual(wanted.Rows(first, rows))))
            {
                throw new NotProvenException($"output '{output.Name}' of a request depends on the requests beside it");
            }
        }
    }

    private static void Compare(ProbeOutput[] alone, ProbeOutput[] together, int first, int rows)
    {
        foreach (var (one, both) in alone.Zip(together))
        {
            if (!one.Shape.AsSpan(1).SequenceEqual(both.Shape.AsSpan(1)) || !one.IsClose(0, rows, both, first))
            {
                throw new NotProvenException($"output '{one.Name}' of a request is another alone than beside others");
            }
        }
    }

    private void Note(ProbeOutput[] outputs, int rows)
    {
        _first ??= outputs;
        for (var i = 0; i < outputs.Length; i++)
        {
            for (var row = 0; row < rows && !_varied[i]; row++)
            {
                _varied[i] = outputs[i].Shape.AsSpan(1).SequenceEqual(_first[i].Shape.AsSpan(1)) && outputs[i].Differs(row, _first[i], 0);
            }
        }
    }

    private ProbeOutput[] Run(Tensor[][] batch, int rows) => _runs.Run(batch, rows, _values);
}
