using System.Security.Cryptography;
using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Tensors;
using InferenceTemplate.Worker.Models;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>
/// One model version open in ONNX Runtime. Runs are made one at a time: the buffers in which batches are assembled
/// belong to the session.
/// </summary>
internal sealed class ModelSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly PinnedBuffer[] _buffers;
    private readonly string[] _inputNames;
    private readonly string[] _outputNames;

    private ModelSession(ModelFile file, byte[] content, InferenceSession session)
    {
        File = file;
        Sha256 = Convert.ToHexStringLower(SHA256.HashData(content));
        SizeBytes = content.Length;
        _session = session;
        Signature = new ModelSignature(Describe(session.InputNames, session.InputMetadata), Describe(session.OutputNames, session.OutputMetadata));
        _inputNames = [.. session.InputNames];
        _outputNames = [.. session.OutputNames];
        _buffers = [.. _inputNames.Select(_ => new PinnedBuffer())];
    }

    public ModelFile File { get; }

    public string Sha256 { get; }

    public long SizeBytes { get; }

    public ModelSignature Signature { get; }

    /// <exception cref="OnnxRuntimeException">The file is not a model that ONNX Runtime can open.</exception>
    /// <exception cref="NotSupportedException">An input or output is not a tensor, or of a type that is not served.</exception>
    public static ModelSession Open(ModelFile file, ExecutionDevice device)
    {
        using var options = device.CreateSessionOptions();
        var content = System.IO.File.ReadAllBytes(file.Path);
        var session = new InferenceSession(content, options);
        try
        {
            return new ModelSession(file, content, session);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Runs requests as one batch, their rows one after the other; a model that is not batchable takes one at a time.
    /// </summary>
    /// <param name="batch">The inputs of each request, all of one shape but for the first dimension.</param>
    /// <returns>All outputs, in the order of the signature; the caller disposes them.</returns>
    /// <exception cref="OnnxRuntimeException">The model failed on this input.</exception>
    public IDisposableReadOnlyCollection<OrtValue> Run(IReadOnlyList<Tensor[]> batch)
    {
        var inputs = new List<OrtValue>(_inputNames.Length);
        try
        {
            for (var i = 0; i < _inputNames.Length; i++)
            {
                inputs.Add(Assemble(batch, _inputNames[i], _buffers[i]));
            }

            return _session.Run(_runOptions, _inputNames, inputs, _outputNames);
        }
        finally
        {
            inputs.ForEach(i => i.Dispose());
        }
    }

    /// <summary>Runs once on zeros, so that the first real request does not pay for allocation and kernel selection.</summary>
    public void WarmUp()
    {
        Tensor[] zeros = [.. Signature.Inputs.Select(input =>
        {
            long[] shape = [.. input.Shape.Select(d => d == TensorShape.Variable ? 1 : d)];
            return new Tensor(input.Name, input.Datatype, shape, new byte[TensorShape.ElementCount(shape) * input.Datatype.Size()]);
        })];
        Run([zeros]).Dispose();
    }

    public void Dispose()
    {
        _runOptions.Dispose();
        _session.Dispose();
    }

    private static OrtValue Assemble(IReadOnlyList<Tensor[]> batch, string name, PinnedBuffer buffer)
    {
        var first = Find(batch[0], name);
        long[] shape = [.. first.Shape];
        var length = first.Data.Length;
        for (var i = 1; i < batch.Count; i++)
        {
            var next = Find(batch[i], name);
            shape[0] += next.Shape[0];
            length = checked(length + next.Data.Length);
        }

        var target = buffer.Take(length);
        foreach (var request in batch)
        {
            var data = Find(request, name).Data.Span;
            data.CopyTo(target);
            target = target[data.Length..];
        }

        return OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, ElementTypes.ToElementType(first.Datatype), shape, buffer.Address, length);
    }

    private static Tensor Find(Tensor[] inputs, string name) =>
        Array.Find(inputs, i => i.Name == name) ?? throw new InvalidDataException($"Input '{name}' is missing from a queued request.");

    private static TensorSignature[] Describe(IEnumerable<string> names, IReadOnlyDictionary<string, NodeMetadata> nodes) =>
        [.. names.Select(name => nodes[name].IsTensor
            ? new TensorSignature(name, ElementTypes.ToDatatype(nodes[name].ElementDataType), [.. nodes[name].Dimensions.Select(d => (long)d)])
            : throw new NotSupportedException($"'{name}' is a {nodes[name].OnnxValueType}; only tensors are served."))];
}
