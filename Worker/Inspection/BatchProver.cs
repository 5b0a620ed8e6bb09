using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// Tries whether rows of a batch are independent. Requests run alone and beside others, in both orders and at several sizes: with any
/// neighbour, extreme ones too, a request's rows must come out the same bit for bit; against its run alone, floats may differ by what
/// another order of additions makes of them.
/// </summary>
/// <param name="spent">The part of the time for this that is over: 1 is all of it.</param>
internal sealed class BatchProver(ModelInstance instance, ModelSignature signature, int largestBatch, Func<double> spent)
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
    private readonly bool[] _varied = new bool[signature.Outputs.Length];
    private ProbeOutput[]? _first;
    private long _rowsRun;
    private long _outputBytesPerRow;
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

    // Kinds of values are tried until the model runs with whatever is made of one.
    private BatchProof ProveBySomeValues()
    {
        DidNotRunException? last = null;
        foreach (var kind in InputStyle.All(signature).Where(s => s.Least < s.Most).GroupBy(s => s with { Extent = 0 }))
        {
            try
            {
                Array.Clear(_varied);
                _first = null;
                var styles = Runnable(kind).ConvertAll(s => new MadeUpInputs(signature, s));
                ProveEssentials(styles[0]);
                ProveFurther(styles);
                return signature.Outputs.Where((o, i) => !_varied[i] && IsTold(o)).FirstOrDefault() is { } constant
                    ? new(false, $"output '{constant.Name}' was the same for every made-up input, so that nothing could be told from it")
                    : new(true);
            }
            catch (DidNotRunException exception)
            {
                last = exception;
            }
        }

        throw new NotProvenException(last!.Message);
    }

    // A label that is always the same says little; a number that is says that nothing was seen.
    private bool IsTold(TensorSignature output) =>
        output.Datatype is Datatype.Fp16 or Datatype.Bf16 or Datatype.Fp32 or Datatype.Fp64 || !_varied.Contains(true);

    // The first extents with which a single row runs.
    private List<InputStyle> Runnable(IEnumerable<InputStyle> extents)
    {
        var (failure, found) = ("none is small enough to be made up", new List<InputStyle>());
        foreach (var style in extents.TakeWhile(_ => found.Count < ExtentsTried))
        {
            var inputs = new MadeUpInputs(signature, style);
            var rows = found.Count == 0 ? 1 : Small[^1].Request + Small[^1].Neighbour;
            if (inputs.Size(rows) <= MaxBytes && TryRun([inputs.Make(1, Seeds[0])], out failure) is not null)
            {
                found.Add(style);
            }
        }

        return found.Count > 0 ? found : throw new DidNotRunException($"it did not run with one row of made-up inputs: {failure}");
    }

    // Without these nothing is proven.
    private void ProveEssentials(MadeUpInputs inputs)
    {
        var (spentBefore, rowsBefore) = (spent(), _rowsRun);
        foreach (var (request, neighbour) in Small)
        {
            Prove(inputs, request, neighbour, Seeds[0], Neighbours(inputs, fills: 2));
        }

        var perRow = (spent() - spentBefore) / (_rowsRun - rowsBefore);
        var largest = largestBatch;
        while (largest > SmallestLargest
            && (inputs.Size(largest) > MaxBytes
                || largest * _outputBytesPerRow > MaxOutputBytes
                || LargestRuns * largest * perRow > ShareForLargest * (1 - spent())))
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

    // The same shapes take the same way through the kernels: not one bit may depend on who is beside.
    private void CompareBeside(Tensor[][] batch, Tensor[] beside, ProbeOutput[] expected, int first, int rows)
    {
        if (TryRun(batch, out var failure) is not { } together)
        {
            if (TryRun([beside], out _) is not null)
            {
                throw new NotProvenException($"requests that run alone failed together: {failure}");
            }

            return;
        }

        CheckExtents(together, (int)batch.Sum(b => b[0].Shape[0]));
        foreach (var (output, wanted) in together.Zip(expected))
        {
            if (!output.Shape.AsSpan().SequenceEqual(wanted.Shape) || !output.Rows(first, rows).SequenceEqual(wanted.Rows(first, rows)))
            {
                throw new NotProvenException($"output '{output.Name}' of a request depends on the requests beside it");
            }
        }
    }

    private static void Compare(ProbeOutput[] alone, ProbeOutput[] together, int first, int rows)
    {
        foreach (var (one, both) in alone.Zip(together))
        {
            if (!one.Shape.AsSpan(1).SequenceEqual(both.Shape.AsSpan(1)) || !one.IsClose(0, rows, both, first, Tolerance(one.Datatype)))
            {
                throw new NotProvenException($"output '{one.Name}' of a request is another alone than beside others");
            }
        }
    }

    /// <summary>How far a float may be from that of another batch size, as a part of the largest number of its row.</summary>
    public static double Tolerance(Datatype datatype) => datatype switch
    {
        Datatype.Fp64 => 1e-9,
        Datatype.Fp32 => 1e-4,
        Datatype.Fp16 => 1e-2,
        _ => 5e-2,
    };

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

    private ProbeOutput[] Run(Tensor[][] batch, int rows)
    {
        var outputs = TryRun(batch, out var failure) ?? throw (batch.Length == 1
            ? new DidNotRunException($"it did not run with {rows} rows of made-up inputs: {failure}")
            : new NotProvenException($"requests that run alone failed together: {failure}"));
        CheckExtents(outputs, rows);
        return outputs;
    }

    private static void CheckExtents(ProbeOutput[] outputs, int rows)
    {
        if (Array.Find(outputs, o => o.Shape is not [var outer, ..] || outer != rows) is { } wrong)
        {
            throw new NotProvenException($"output '{wrong.Name}' has the shape {TensorShape.Format(wrong.Shape)} for {rows} rows");
        }
    }

    private ProbeOutput[]? TryRun(Tensor[][] batch, out string failure)
    {
        if (spent() >= 1)
        {
            throw new OutOfTimeException();
        }

        failure = "";
        try
        {
            using var values = instance.Run(batch);
            ProbeOutput[] outputs = [.. values.Select((v, i) => new ProbeOutput(signature.Outputs[i], v))];
            var rows = batch.Sum(b => b[0].Shape[0]);
            (_rowsRun, _outputBytesPerRow) = (_rowsRun + rows, outputs.Sum(o => (long)o.Bytes) / rows);
            return outputs;
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or InvalidDataException or OutOfMemoryException)
        {
            failure = RuntimeMessage.Of(exception);
            return batch.Length > 1 && RunFailures.Classify(exception) == RunFailure.Memory
                ? throw new OutOfMemoryRunException(failure)
                : null;
        }
    }

    private class NotProvenException(string message) : Exception(message);

    private sealed class DidNotRunException(string message) : NotProvenException(message);

    private sealed class OutOfMemoryRunException(string message)
        : NotProvenException($"trying needed more memory than an inspection may use (Inspection:MemoryBytes): {message}");

    private sealed class OutOfTimeException() : NotProvenException(
        "trying took longer than an inspection may (Inspection:Timeout and Inspection:CpuSeconds)");
}
