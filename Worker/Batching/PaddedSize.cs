using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Batching;

/// <summary>How large a batch becomes when each of its rows is padded to the largest.</summary>
internal sealed class PaddedSize
{
    private long[][] _largest = [];
    private long _rows;

    /// <summary>
    /// Bytes of all inputs, were the request in the batch too: more than an integer holds where empty inputs of unlike shapes meet.
    /// </summary>
    public double With(PendingRequest request)
    {
        var (rows, bytes) = (_rows + request.Rows, 0.0);
        for (var i = 0; i < request.Inputs.Length; i++)
        {
            var shape = Larger(_largest.Length > i ? _largest[i] : [], request.Inputs[i].Shape);
            bytes += shape.Skip(1).Aggregate((double)rows, (product, d) => product * d) * Math.Max(1, request.Inputs[i].Datatype.Size());
        }

        return bytes;
    }

    public void Add(PendingRequest request)
    {
        _rows += request.Rows;
        _largest = [.. request.Inputs.Select((input, i) => Larger(_largest.Length > i ? _largest[i] : [], input.Shape))];
    }

    private static long[] Larger(long[] one, long[] other) =>
        one.Length == 0 ? other : [.. other.Select((d, i) => Math.Max(d, one[i]))];
}
