using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Pipelines;
using InferenceTemplate.Worker.Preprocessing;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>One model version open in ONNX Runtime: its weights, once. Runs are made by instances, which may overlap.</summary>
internal sealed class ModelSession : IDisposable
{
    // One of these three.
    private readonly InferenceSession? _session;
    private readonly GenerationModel? _generation;
    private readonly PipelineModel? _pipeline;

    private readonly bool _binds;
    private readonly IPreprocessor? _preprocessor;
    private readonly ModelSignature _own;

    private volatile bool _closed;

    private ModelSession(ModelFile file, InferenceSession session, bool binds, IPreprocessor? preprocessor)
    {
        File = file;
        _session = session;
        _binds = binds;
        _preprocessor = preprocessor;
        _own = Describe(session);
        Signature = preprocessor?.SignatureOver(_own) ?? _own;
    }

    private ModelSession(ModelFile file, GenerationModel generation)
    {
        File = file;
        _generation = generation;
        Signature = _own = GenerationSignature.Signature;
    }

    private ModelSession(ModelFile file, PipelineModel pipeline)
    {
        File = file;
        _pipeline = pipeline;
        Signature = _own = pipeline.Signature;
    }

    public ModelFile File { get; }

    /// <summary>Whether it generates text; then an instance is a slot for an answer.</summary>
    public bool Generates => _generation is not null;

    /// <summary>What callers see: where inputs are made of text or images, those.</summary>
    public ModelSignature Signature { get; }

    /// <summary>A request that it takes where none is known; null where zeros have to do.</summary>
    public Tensor[]? Example => Generates ? GenerationInstance.Example : _preprocessor?.Example(Signature);

    /// <summary>Elements of which made-up requests are made; null where any words will do.</summary>
    public MadeUpElements? ElementsOf(string input) => _preprocessor?.ElementsOf(input);

    /// <summary>The name that the model gives an open dimension of an input; empty for none. Those of one name have one size.</summary>
    public string SymbolOf(string input, int dimension) =>
        _session is not null && _session.InputMetadata.TryGetValue(input, out var node) && dimension < node.SymbolicDimensions.Length
            ? node.SymbolicDimensions[dimension]
            : "";

    /// <param name="preprocessor">What makes the model's inputs; null where callers send them themselves.</param>
    /// <exception cref="OnnxRuntimeException">The file is not a model that ONNX Runtime can open.</exception>
    /// <exception cref="NotSupportedException">An input or output is not a tensor, or of a type that is not served.</exception>
    /// <exception cref="ModelRefusedException">The model is none that takes what is made.</exception>
    public static ModelSession Open(ModelFile file, ExecutionDevice device, IPreprocessor? preprocessor = null)
    {
        using var options = device.CreateSessionOptions();
        var session = new InferenceSession(file.Path, options);
        try
        {
            return new ModelSession(file, session, device.BindsValues, preprocessor);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <param name="generation">Closed with the session.</param>
    public static ModelSession Over(ModelFile file, GenerationModel generation) => new(file, generation);

    /// <param name="pipeline">Closed with the session.</param>
    public static ModelSession Over(ModelFile file, PipelineModel pipeline) => new(file, pipeline);

    /// <summary>Something that makes one run at a time, beside other instances; dispose it before the session.</summary>
    /// <exception cref="ObjectDisposedException">The session is closed: ONNX Runtime itself would end the process.</exception>
    public IModelInstance CreateInstance()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_generation is not null)
        {
            return new GenerationInstance(_generation);
        }

        if (_pipeline is not null)
        {
            return _pipeline.CreateInstance();
        }

        var instance = new ModelInstance(_session!, _own, _binds);
        return _preprocessor?.Over(instance, _own) ?? instance;
    }

    /// <summary>Runs once on zeros, so that the first real request does not pay for allocation and kernel selection.</summary>
    public void WarmUp()
    {
        using var instance = CreateInstance();
        instance.Run([Example ?? [.. Signature.Inputs.Select(input => ZeroInput.Of(input))]]).Dispose();
    }

    public void Dispose()
    {
        _closed = true;
        _session?.Dispose();
        _generation?.Dispose();
        _pipeline?.Dispose();
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
