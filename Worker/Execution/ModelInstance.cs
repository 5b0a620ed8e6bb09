using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>
/// Makes runs of a session, one at a time; the buffers in which batches are assembled belong to it. Several over one
/// session overlap without another copy of the weights.
/// </summary>
internal sealed class ModelInstance : IModelInstance
{
    private readonly InferenceSession _session;
    private readonly BatchInput[] _inputs;
    private readonly string[] _inputNames;
    private readonly TensorSignature[] _optional;
    private readonly string[] _outputNames;
    private readonly bool[] _outputIsText;
    private readonly bool _binds;
    private readonly List<OrtValue> _values = [];
    private RunOptions _options = NewOptions();

    /// <param name="binds">Whether values are bound rather than passed, so that copies to and from a device are made once and awaited
    /// once.</param>
    public ModelInstance(InferenceSession session, ModelSignature signature, bool binds)
    {
        _session = session;
        _binds = binds;
        _inputs = [.. signature.Inputs.Select(i => new BatchInput(i))];
        _inputNames = [.. signature.Inputs.Select(i => i.Name)];
        _optional = signature.OptionalInputs;
        _outputNames = [.. signature.Outputs.Select(o => o.Name)];
        _outputIsText = [.. signature.Outputs.Select(o => o.Datatype == Datatype.Bytes)];
    }

    public bool SplitsBatches => false;

    /// <inheritdoc/>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyList<Tensor[]> batch, IReadOnlyList<int>? outputs = null, Action? assembled = null, CancellationToken terminate = default)
    {
        var values = _values;
        var optional = batch[0].Length == _inputs.Length ? [] : Optional(batch[0]);
        try
        {
            for (var i = 0; i < _inputs.Length; i++)
            {
                values.Add(_inputs[i].Assemble(batch, i));
            }

            for (var i = 0; i < optional.Length; i++)
            {
                values.Add(optional[i].Assemble(batch, _inputs.Length + i));
            }

            assembled?.Invoke();
            string[] names = optional.Length == 0 ? _inputNames : [.. batch[0].Select(given => given.Name)];
            return Apart(Run(names, values, outputs is null ? _outputNames : Names(outputs), terminate), outputs, optional);
        }
        finally
        {
            values.ForEach(v => v.Dispose());
            values.Clear();
            Array.ForEach(_inputs, i => i.Release());
            Array.ForEach(optional, i => i.Release());
        }
    }

    public void Dispose() => _options.Dispose();

    // What fails is thrown; ONNX Runtime's own log of it has values of the request.
    private static RunOptions NewOptions() => new() { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };

    // An output that a graph merely hands on is the caller's own memory, which is somebody else's once the run is over.
    private IDisposableReadOnlyCollection<OrtValue> Apart(
        IDisposableReadOnlyCollection<OrtValue> values, IReadOnlyList<int>? outputs, BatchInput[] optional)
    {
        RunValues? apart = null;
        try
        {
            for (var i = 0; i < values.Count; i++)
            {
                // Texts are in the runtime's own memory, whoever they come from.
                if (!_outputIsText[outputs is null ? i : outputs[i]] && IsHandedOn(values[i], optional))
                {
                    apart ??= [.. values];
                    apart[i] = Copy(values[i]);
                }
            }
        }
        catch
        {
            apart?.Dispose();
            values.Dispose();
            throw;
        }

        return apart ?? values;
    }

    private bool IsHandedOn(OrtValue value, BatchInput[] optional)
    {
        Span<byte> memory;
        try
        {
            memory = value.GetTensorMutableRawData();
        }
        catch (ArgumentOutOfRangeException)
        {
            // It has 2 GiB or more, as no input has; who splits the outputs says that they are too large.
            return false;
        }

        foreach (var input in _inputs)
        {
            if (input.Overlaps(memory))
            {
                return true;
            }
        }

        foreach (var input in optional)
        {
            if (input.Overlaps(memory))
            {
                return true;
            }
        }

        return false;
    }

    private static OrtValue Copy(OrtValue value)
    {
        using (value)
        {
            var info = value.GetTensorTypeAndShape();
            var copy = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, info.ElementDataType, info.Shape);
            value.GetTensorMutableRawData().CopyTo(copy.GetTensorMutableRawData());
            return copy;
        }
    }

    private BatchInput[] Optional(Tensor[] inputs) =>
        [.. inputs.Skip(_inputs.Length).Select(given => new BatchInput(Array.Find(_optional, o => o.Name == given.Name)!))];

    private string[] Names(IReadOnlyList<int> outputs)
    {
        if (AreAll(outputs))
        {
            return _outputNames;
        }

        var names = new string[outputs.Count];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = _outputNames[outputs[i]];
        }

        return names;
    }

    private bool AreAll(IReadOnlyList<int> outputs)
    {
        for (var i = 0; i < outputs.Count; i++)
        {
            if (outputs[i] != i)
            {
                return false;
            }
        }

        return outputs.Count == _outputNames.Length;
    }

    private IDisposableReadOnlyCollection<OrtValue> Run(string[] names, List<OrtValue> values, string[] wanted, CancellationToken terminate)
    {
        terminate.ThrowIfCancellationRequested();
        var options = _options;
        try
        {
            // Disposing it waits for a callback that has begun, so that none can end the next run.
            using var ending = terminate.UnsafeRegister(static options => ((RunOptions)options!).Terminate = true, options);
            return _binds ? RunBound(names, values, wanted) : _session.Run(options, names, values, wanted);
        }
        catch (OnnxRuntimeException exception) when (terminate.IsCancellationRequested)
        {
            throw new OperationCanceledException("The run was ended.", exception, terminate);
        }
        finally
        {
            if (options.Terminate)
            {
                // Options that have ended a run would end every other.
                _options = NewOptions();
                options.Dispose();
            }
        }
    }

    private IDisposableReadOnlyCollection<OrtValue> RunBound(string[] names, List<OrtValue> values, string[] wanted)
    {
        using var binding = _session.CreateIoBinding();
        for (var i = 0; i < values.Count; i++)
        {
            binding.BindInput(names[i], values[i]);
        }

        foreach (var name in wanted)
        {
            // Answers are written from the process's memory, so that is where outputs of any device are wanted.
            binding.BindOutputToDevice(name, OrtMemoryInfo.DefaultInstance);
        }

        binding.SynchronizeBoundInputs();
        _session.RunWithBinding(_options, binding);
        binding.SynchronizeBoundOutputs();
        return binding.GetOutputValues();
    }
}
