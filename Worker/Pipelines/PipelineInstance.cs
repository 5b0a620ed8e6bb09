using System.Diagnostics;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Pipelines;

/// <summary>
/// Makes runs of a pipeline: those of its steps, one after the other, each over the same requests as if their callers had sent them what
/// the steps before it have answered.
/// </summary>
/// <param name="steps">An instance for each step, closed with this one.</param>
/// <param name="refusal">Why a step does not get some inputs; null where nothing is kept from any.</param>
internal sealed class PipelineInstance(PipelineGraph graph, IReadOnlyList<IModelInstance> steps, RefuseInputs? refusal = null)
    : IModelInstance
{
    public bool SplitsBatches { get; } = steps.Any(s => s.SplitsBatches);

    /// <summary>The spans of the requests of the next run; each gets one for each step.</summary>
    public IReadOnlyList<Activity?> Requests { get; set; } = [];

    /// <inheritdoc/>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyList<Tensor[]> batch, IReadOnlyList<int>? outputs = null, Action? assembled = null, CancellationToken terminate = default)
    {
        Source[] wanted = [.. (outputs ?? [.. Enumerable.Range(0, graph.Outputs.Count)]).Select(o => graph.Outputs[o])];
        var needed = Needed(wanted);
        var feeds = graph.Steps.Where((_, i) => needed[i].Count > 0).SelectMany(s => s.Inputs).ToHashSet();
        var values = new PipelineValues();
        try
        {
            var answers = new Dictionary<Source, (OrtValue Value, Tensor[] Tensors)>();
            for (var i = 0; i < steps.Count; i++)
            {
                if (needed[i].Count > 0)
                {
                    RunStep(i, needed[i], feeds, batch, answers, values, assembled, terminate);
                    assembled = null;
                }
            }

            values.AddRange(wanted.Select(w => answers[w].Value));
            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var step in steps)
        {
            step.Dispose();
        }
    }

    // The outputs that each step has to compute; none where nobody asks for what comes of it.
    private SortedSet<int>[] Needed(Source[] wanted)
    {
        SortedSet<int>[] needed = [.. steps.Select(_ => new SortedSet<int>())];
        Array.ForEach(wanted, w => needed[w.Step!.Value].Add(w.Index));
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            foreach (var source in needed[i].Count == 0 ? [] : graph.Steps[i].Inputs)
            {
                if (source.Step is { } step)
                {
                    needed[step].Add(source.Index);
                }
            }
        }

        return needed;
    }

    private void RunStep(
        int index,
        SortedSet<int> outputs,
        HashSet<Source> feeds,
        IReadOnlyList<Tensor[]> batch,
        Dictionary<Source, (OrtValue Value, Tensor[] Tensors)> answers,
        PipelineValues values,
        Action? assembled,
        CancellationToken terminate)
    {
        var step = graph.Steps[index];
        var name = step.Step.Name;
        Activity?[] spans = [.. Requests.Select(r => StartSpan(r, step))];
        try
        {
            var inputs = InputsOf(step, batch, answers);
            var run = steps[index].Run(inputs, [.. outputs], assembled, terminate);
            values.Own(run);
            foreach (var (output, value) in outputs.Zip(run))
            {
                var source = new Source(index, output);
                answers[source] = (value, feeds.Contains(source) ? Split(step.Model.Outputs[output], value, batch, name) : []);
            }
        }
        catch (RefusedInputException exception) when (step.Inputs.Any(i => i.Step is null))
        {
            throw new RefusedInputException(exception.Requests.ToDictionary(r => r.Key, r => $"step '{name}': {r.Value}"));
        }
        catch (Exception exception) when (exception is not OperationCanceledException and not UnsplittableOutputException)
        {
            Array.ForEach(spans, s => s?.SetStatus(ActivityStatusCode.Error, RuntimeMessage.OperatorOf(exception)));
            throw new StepFailedException(name, exception);
        }
        finally
        {
            // The last that was begun is the current one.
            for (var i = spans.Length - 1; i >= 0; i--)
            {
                spans[i]?.Dispose();
            }
        }
    }

    private List<Tensor[]> InputsOf(
        GraphStep step, IReadOnlyList<Tensor[]> batch, Dictionary<Source, (OrtValue Value, Tensor[] Tensors)> answers)
    {
        var inputs = new List<Tensor[]>(batch.Count);
        Dictionary<int, string> refused = [];
        for (var request = 0; request < batch.Count; request++)
        {
            var given = new Tensor[step.Inputs.Count];
            for (var i = 0; i < given.Length; i++)
            {
                var (source, declared) = (step.Inputs[i], step.Model.Inputs[i]);
                var tensor = source.Step is null ? batch[request][source.Index] : answers[source].Tensors[request];
                given[i] = tensor with { Name = declared.Name };

                // As the Api compares it with what callers send: some operators would take more than the model declares. What a step
                // has made is no caller's mistake, and may be so by what shared its run.
                if (!declared.IsUnranked && !TensorShape.Fits(tensor.Shape, declared.Shape))
                {
                    var reason = $"input '{declared.Name}' is {TensorShape.Format(declared.Shape)}, and for this request it is "
                        + TensorShape.Format(tensor.Shape);
                    if (source.Step is not null)
                    {
                        throw new InvalidDataException(reason);
                    }

                    refused.TryAdd(request, reason);
                }
            }

            if (!refused.ContainsKey(request) && refusal?.Invoke(step.Step.Model, step.Step.Version, given) is { } empty)
            {
                if (step.Inputs.Zip(given).Any(i => i.First.Step is not null && Array.IndexOf(i.Second.Shape, 0L) >= 0))
                {
                    throw new InvalidDataException(empty);
                }

                refused.Add(request, empty);
            }

            inputs.Add(given);
        }

        return refused.Count == 0 ? inputs : throw new RefusedInputException(refused);
    }

    // The rows of each request; what one request alone gets is whole, whatever its shape.
    private static Tensor[] Split(TensorSignature declared, OrtValue value, IReadOnlyList<Tensor[]> batch, string step)
    {
        var shape = value.GetTensorTypeAndShape().Shape;
        var starts = declared.Datatype == Datatype.Bytes ? TextTensor.Starts(value) : null;
        var elements = TensorShape.ElementCount(shape);
        var bytes = starts?[^1] ?? elements * declared.Datatype.Size();
        if (bytes > Array.MaxLength)
        {
            var reason = $"output '{declared.Name}' has {bytes} bytes; {Array.MaxLength} may go to another step";
            throw batch.Count > 1 ? new OversizedBatchException(reason) : new InvalidDataException(reason);
        }

        // What is empty has no place in the runtime's memory.
        var memory = starts is not null || bytes == 0 ? Array.Empty<byte>() : new ValueMemory(value).Memory;
        if (batch.Count == 1)
        {
            return [new Tensor(
                declared.Name, declared.Datatype, shape, starts is null ? memory : TextTensor.Read(value, starts, 0, (int)elements))];
        }

        var rows = batch.Sum(request => request[0].Shape[0]);
        if (shape is not [var outer, ..] || outer != rows)
        {
            throw new UnsplittableOutputException(
                $"step '{step}': output '{declared.Name}' has the shape {TensorShape.Format(shape)} for {rows} rows");
        }

        var tensors = new Tensor[batch.Count];
        var (first, perRow) = (0L, elements / rows);
        for (var request = 0; request < tensors.Length; request++)
        {
            var count = batch[request][0].Shape[0];
            var data = starts is not null
                ? TextTensor.Read(value, starts, (int)(first * perRow), (int)((first + count) * perRow))
                : memory.Slice((int)(first * (bytes / rows)), (int)(count * (bytes / rows)));
            tensors[request] = new Tensor(declared.Name, declared.Datatype, [count, .. shape[1..]], data);
            first += count;
        }

        return tensors;
    }

    private static Activity? StartSpan(Activity? request, GraphStep step) => request is null
        ? null
        : Telemetry.Source.StartActivity($"step {step.Step.Name}", ActivityKind.Internal, request.Context)
            ?.SetTag("inference.step", step.Step.Name)
            .SetTag("inference.model.name", step.Step.Model)
            .SetTag("inference.model.version", step.Step.Version);

    /// <summary>What callers asked for, and whatever else the steps computed, which lives as long.</summary>
    private sealed class PipelineValues : List<OrtValue>, IDisposableReadOnlyCollection<OrtValue>
    {
        private readonly List<IDisposable> _runs = [];

        public void Own(IDisposable run) => _runs.Add(run);

        public void Dispose()
        {
            _runs.ForEach(r => r.Dispose());
            _runs.Clear();
        }
    }
}
