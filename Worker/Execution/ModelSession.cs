using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Models;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>One model version open in ONNX Runtime: its weights, once. Runs are made by instances, which may overlap.</summary>
internal sealed class ModelSession : IDisposable
{
    private readonly InferenceSession _session;
    private readonly bool _binds;

    private volatile bool _closed;

    private ModelSession(ModelFile file, InferenceSession session, bool binds)
    {
        File = file;
        _session = session;
        _binds = binds;
        Signature = Describe(session);
    }

    public ModelFile File { get; }

    public ModelSignature Signature { get; }

    /// <exception cref="OnnxRuntimeException">The file is not a model that ONNX Runtime can open.</exception>
    /// <exception cref="NotSupportedException">An input or output is not a tensor, or of a type that is not served.</exception>
    public static ModelSession Open(ModelFile file, ExecutionDevice device)
    {
        using var options = device.CreateSessionOptions();
        var session = new InferenceSession(file.Path, options);
        try
        {
            return new ModelSession(file, session, device.BindsValues);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Something that makes one run at a time, beside other instances; dispose it before the session.</summary>
    /// <exception cref="ObjectDisposedException">The session is closed: ONNX Runtime itself would end the process.</exception>
    public ModelInstance CreateInstance()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        return new(_session, Signature, _binds);
    }

    /// <summary>Runs once on zeros, so that the first real request does not pay for allocation and kernel selection.</summary>
    public void WarmUp()
    {
        using var instance = CreateInstance();
        Tensor[] zeros = [.. Signature.Inputs.Select(input =>
        {
            long[] shape = [.. input.Shape.Select(d => d == TensorShape.Variable ? 1 : d)];

            // An empty string is four bytes of length.
            var size = input.Datatype == Datatype.Bytes ? sizeof(uint) : input.Datatype.Size();
            return new Tensor(input.Name, input.Datatype, shape, new byte[TensorShape.ElementCount(shape) * size]);
        })];
        instance.Run([zeros]).Dispose();
    }

    public void Dispose()
    {
        _closed = true;
        _session.Dispose();
    }

    private static ModelSignature Describe(InferenceSession session) =>
        new(Describe(session.InputNames, session.InputMetadata), Describe(session.OutputNames, session.OutputMetadata))
        {
            OptionalInputs =
                [.. session.OverridableInitializerMetadata.Where(i => IsServed(i.Value)).Select(i => Describe(i.Key, i.Value))],
        };

    // What no request could bring keeps its initializer.
    private static bool IsServed(NodeMetadata node)
    {
        try
        {
            _ = ElementTypes.ToDatatype(node.ElementDataType);
            return node.IsTensor;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }

    private static TensorSignature[] Describe(IEnumerable<string> names, IReadOnlyDictionary<string, NodeMetadata> nodes) =>
        [.. names.Select(name => nodes[name].IsTensor
            ? Describe(name, nodes[name])
            : throw new NotSupportedException($"'{name}' is a {nodes[name].OnnxValueType}; only tensors are served."))];

    private static TensorSignature Describe(string name, NodeMetadata tensor) =>
        new(name, ElementTypes.ToDatatype(tensor.ElementDataType), [.. tensor.Dimensions.Select(d => (long)d)]);
}
