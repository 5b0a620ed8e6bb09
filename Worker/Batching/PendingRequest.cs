using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Direct;

namespace InferenceTemplate.Worker.Batching;

/// <summary>A request that this worker holds and has not begun to run.</summary>
internal sealed class PendingRequest
{
    /// <param name="inputs">In the order of the signature, optional ones last.</param>
    /// <param name="rows">Null where its inputs do not agree on how many there are.</param>
    /// <param name="alone">Whether it brings optional inputs, which would be those of the whole run.</param>
    private PendingRequest(QueuedRequest queued, Tensor[] inputs, int? rows, bool alone)
    {
        Queued = queued;
        Inputs = inputs;
        Rows = rows ?? 1;
        RunsAlone = alone || rows is null || queued.RunsAlone;
        foreach (var input in inputs)
        {
            Bytes += input.Data.Length;
        }
    }

    public QueuedRequest Queued { get; }

    public InferenceRequest Request => Queued.Request;

    public Tensor[] Inputs { get; }

    /// <summary>Rows of the batch that it fills; 1 where the model can't be batched.</summary>
    public int Rows { get; }

    /// <summary>Whether it must not share a run, whatever the model is.</summary>
    public bool RunsAlone { get; }

    public long Bytes { get; }

    /// <summary>Whether it came by a direct connection, and not from the queue in Redis.</summary>
    public bool IsDirect => Queued is DirectRequest;

    /// <summary>Place in the order of service; the smallest goes first. Set when it is queued.</summary>
    public long Order { get; set; }

    /// <summary>When it begins to count as waiting for company.</summary>
    public DateTimeOffset Since { get; set; }

    /// <summary>
    /// The Api has compared the request with the signature, so it fits; unless the version was replaced meanwhile.
    /// </summary>
    /// <param name="batched">Whether it may share runs, its rows being those of the batch.</param>
    /// <returns>Null where an input of the model is missing.</returns>
    public static PendingRequest? Create(ModelSignature signature, QueuedRequest queued, bool batched)
    {
        var given = queued.Request.Inputs;
        var inputs = new Tensor[signature.Inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            if (Find(given, signature.Inputs[i].Name) is not { } input)
            {
                return null;
            }

            inputs[i] = input;
        }

        var optional = signature.OptionalInputs.Length == 0 ? [] : Optional(signature, given);
        var rows = batched && signature.IsBatchable ? RowsOf(inputs) : 1;
        return new PendingRequest(queued, optional.Length == 0 ? inputs : [.. inputs, .. optional], rows, alone: optional.Length > 0);
    }

    private static Tensor[] Optional(ModelSignature signature, Tensor[] given) =>
        [.. given.Where(t => signature.OptionalInputs.Any(o => o.Name == t.Name))];

    private static Tensor? Find(Tensor[] given, string name)
    {
        foreach (var tensor in given)
        {
            if (tensor.Name == name)
            {
                return tensor;
            }
        }

        return null;
    }

    // The Api asks for equal first dimensions only where it knows that requests share runs, which may have changed since.
    private static int? RowsOf(Tensor[] inputs)
    {
        int? rows = null;
        foreach (var input in inputs)
        {
            if (input.Shape is not [> 0 and var first, ..] || first != (rows ?? first))
            {
                return null;
            }

            rows = (int)first;
        }

        return rows;
    }
}
