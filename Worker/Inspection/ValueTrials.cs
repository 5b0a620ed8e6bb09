using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>What is tried on a model whose graph divides integers, told before it is: the process may die of it.</summary>
internal enum ValueTrial
{
    None,

    /// <summary>-1, and floats that no integer holds: nothing that could be kept from a model.</summary>
    Others,

    /// <summary>The smallest number of an integer type.</summary>
    Smallest,
}

/// <summary>Runs a model on the numbers over which a division of integers ends the process: the smallest, by -1.</summary>
/// <param name="sample">The inputs of the version's sample request; null where it has none.</param>
/// <param name="casts">Whether the graph may make integers of floats.</param>
/// <param name="spent">The part of the time for this that is over: 1 is all of it.</param>
internal sealed class ValueTrials(ModelSession session, Tensor[]? sample, bool casts, Func<double> spent)
{
    private const int MaxInputs = 8;
    private const long MaxBytes = 8L << 20;

    // Two rows: the numbers may also have to stand beside each other.
    private static readonly int[] Rows = [2, 1];

    public void Run(Action<ValueTrial> tell)
    {
        using var instance = session.CreateInstance();
        if (Ordinary(instance) is not { } ordinary)
        {
            return;
        }

        var told = ValueTrial.None;
        foreach (var (trial, inputs) in Trials(ordinary).OrderBy(t => t.Trial).TakeWhile(_ => spent() < 1))
        {
            if (trial != told)
            {
                tell(told = trial);
            }

            _ = FirstRun.Failure(instance, inputs());
        }
    }

    // What the model takes, so that a run comes as far as the division.
    private Tensor[]? Ordinary(IModelInstance instance) => sample ?? InputStyle.All(session.Signature)
        .Select(style => new MadeUpInputs(session.Signature, style, session.ElementsOf))
        .SelectMany(made => Rows.Where(rows => made.Size(rows) <= MaxBytes).Select(rows => made.Make(rows, seed: 1)))
        .TakeWhile(_ => spent() < 1)
        .FirstOrDefault(inputs => FirstRun.Failure(instance, inputs) is null);

    private IEnumerable<(ValueTrial Trial, Func<Tensor[]> Inputs)> Trials(Tensor[] ordinary)
    {
        int[] numbers = [.. Enumerable.Range(0, ordinary.Length).Where(i => IsNumber(ordinary[i].Datatype)).Take(MaxInputs)];
        foreach (var one in numbers)
        {
            yield return (ValueTrial.Others, () => With(ordinary, one, MinusOne));
            var trial = SmallestIntegers.IsSigned(ordinary[one].Datatype) ? ValueTrial.Smallest : ValueTrial.Others;
            yield return (trial, () => With(ordinary, one, Smallest));
            yield return (trial, () => With(ordinary, one, t => Mixed(t, 0)));
            yield return (trial, () => With(ordinary, one, t => Mixed(t, 1)));
            foreach (var other in numbers.Where(n => n != one))
            {
                yield return (trial, () => With(With(ordinary, one, Smallest), other, MinusOne));
            }
        }
    }

    private bool IsNumber(Datatype datatype) =>
        SmallestIntegers.IsSigned(datatype) || (casts && datatype is Datatype.Fp32 or Datatype.Fp64);

    private static Tensor[] With(Tensor[] inputs, int one, Func<Tensor, Tensor> value) =>
        [.. inputs.Select((tensor, i) => i == one ? value(tensor) : tensor)];

    private static Tensor Smallest(Tensor tensor) => Filled(tensor, SmallestOf(tensor.Datatype));

    private static Tensor MinusOne(Tensor tensor) => Filled(tensor, MinusOneOf(tensor.Datatype));

    // Every second element is the smallest, and those between are -1.
    private static Tensor Mixed(Tensor tensor, int parity) =>
        Filled(tensor, parity == 0 ? SmallestOf(tensor.Datatype) : MinusOneOf(tensor.Datatype),
            parity == 0 ? MinusOneOf(tensor.Datatype) : SmallestOf(tensor.Datatype));

    private static Tensor Filled(Tensor tensor, params ReadOnlySpan<byte[]> pattern)
    {
        var data = new byte[tensor.Data.Length];
        var size = tensor.Datatype.Size();
        for (var i = 0; i * size < data.Length; i++)
        {
            pattern[i % pattern.Length].CopyTo(data, i * size);
        }

        return tensor with { Data = data };
    }

    private static byte[] SmallestOf(Datatype datatype) => datatype switch
    {
        Datatype.Fp32 => BitConverter.GetBytes(float.MinValue),
        Datatype.Fp64 => BitConverter.GetBytes(double.MinValue),
        _ => [.. new byte[datatype.Size() - 1], 0x80],
    };

    private static byte[] MinusOneOf(Datatype datatype) => datatype switch
    {
        Datatype.Fp32 => BitConverter.GetBytes(-1f),
        Datatype.Fp64 => BitConverter.GetBytes(-1.0),
        _ => [.. Enumerable.Repeat((byte)0xFF, datatype.Size())],
    };
}
