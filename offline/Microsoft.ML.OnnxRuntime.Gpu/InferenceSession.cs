using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>A loaded model, ready to run. Runs may overlap freely; disposing of it lets those in progress finish.</summary>
public sealed unsafe class InferenceSession : IDisposable
{
    private static readonly OrtApi* Api = OrtLibrary.Api;

    private readonly OrderedDictionary<string, NodeMetadata> inputMetadata = [];
    private readonly OrderedDictionary<string, NodeMetadata> outputMetadata = [];

    /// <summary>Loads a model from a file, with the default options.</summary>
    /// <exception cref="OnnxRuntimeException">The file is absent, no model, or a model that cannot run here.</exception>
    public InferenceSession(string modelPath)
    {
        using var options = new SessionOptions();
        Handle = Open(modelPath, options);
        ReadSignature();
    }

    /// <summary>Loads a model from a file.</summary>
    /// <inheritdoc cref="InferenceSession(string)" path="/exception"/>
    public InferenceSession(string modelPath, SessionOptions options)
    {
        Handle = Open(modelPath, options);
        ReadSignature();
    }

    /// <summary>Loads a model from memory, which it copies, with the default options.</summary>
    /// <exception cref="OnnxRuntimeException">It is no model, or one that cannot run here.</exception>
    public InferenceSession(byte[] model)
    {
        using var options = new SessionOptions();
        Handle = Open(model, options);
        ReadSignature();
    }

    /// <summary>Loads a model from memory, which it copies.</summary>
    /// <inheritdoc cref="InferenceSession(byte[])" path="/exception"/>
    public InferenceSession(byte[] model, SessionOptions options)
    {
        Handle = Open(model, options);
        ReadSignature();
    }

    internal SessionHandle Handle { get; }

    /// <summary>The inputs and their types.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> InputMetadata => inputMetadata;

    /// <summary>The outputs and their types.</summary>
    public IReadOnlyDictionary<string, NodeMetadata> OutputMetadata => outputMetadata;

    /// <summary>The inputs in the model's order.</summary>
    public IReadOnlyList<string> InputNames => inputMetadata.Keys;

    /// <summary>The outputs in the model's order.</summary>
    public IReadOnlyList<string> OutputNames => outputMetadata.Keys;

    /// <summary>What the model file says about itself.</summary>
    public ModelMetadata ModelMetadata
    {
        get
        {
            using var self = new Borrowed(Handle);
            return field ??= new ModelMetadata(self.Pointer);
        }
    }

    /// <summary>Runs the model.</summary>
    /// <param name="runOptions">Null means the defaults.</param>
    /// <param name="inputNames">Of the values that follow, in any order.</param>
    /// <param name="inputValues">One for each name.</param>
    /// <param name="outputNames">The outputs wanted.</param>
    /// <returns>The outputs in the order asked for, to be disposed of.</returns>
    /// <exception cref="OnnxRuntimeException">A name, type or shape is wrong, an operator failed, or the run was terminated.</exception>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        RunOptions? runOptions, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputValues,
        IReadOnlyCollection<string> outputNames)
    {
        var outputs = new nint[outputNames.Count]; // The library fills in values of its own for null.
        Run(runOptions, inputNames, inputValues, outputNames, outputs);
        var results = new DisposableList<OrtValue>(outputs.Length);
        foreach (var output in outputs)
            results.Add(new OrtValue(output));
        return results;
    }

    /// <inheritdoc cref="Run(RunOptions, IReadOnlyCollection{string}, IReadOnlyCollection{OrtValue}, IReadOnlyCollection{string})"/>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        RunOptions? runOptions, IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyCollection<string> outputNames) =>
        Run(runOptions, [.. inputs.Keys], [.. inputs.Values], outputNames);

    /// <summary>Runs the model into tensors of the caller, which must have the type and shape of the outputs.</summary>
    /// <inheritdoc cref="Run(RunOptions, IReadOnlyCollection{string}, IReadOnlyCollection{OrtValue}, IReadOnlyCollection{string})" path="/exception"/>
    public void Run(
        RunOptions? runOptions, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputValues,
        IReadOnlyCollection<string> outputNames, IReadOnlyCollection<OrtValue> outputValues)
    {
        SameCount(outputNames, nameof(outputNames), outputValues, nameof(outputValues));
        using var outputs = new BorrowedValues(outputValues);
        Run(runOptions, inputNames, inputValues, outputNames, outputs.Pointers);
    }

    /// <summary>Prepares runs whose inputs and outputs stay where they are.</summary>
    public OrtIoBinding CreateIoBinding() => new(this);

    /// <summary>Runs the model on what is bound.</summary>
    /// <inheritdoc cref="Run(RunOptions, IReadOnlyCollection{string}, IReadOnlyCollection{OrtValue}, IReadOnlyCollection{string})" path="/exception"/>
    public void RunWithBinding(RunOptions runOptions, OrtIoBinding ioBinding)
    {
        using var self = new Borrowed(Handle);
        using var options = new Borrowed(runOptions);
        using var binding = new Borrowed(ioBinding);
        OrtLibrary.Check(Api->RunWithBinding(self.Pointer, options.Pointer, binding.Pointer));
    }

    /// <summary>Runs the model on what is bound, and returns the outputs in the order of binding, to be disposed of.</summary>
    public IDisposableReadOnlyCollection<OrtValue> RunWithBoundResults(RunOptions runOptions, OrtIoBinding ioBinding)
    {
        RunWithBinding(runOptions, ioBinding);
        return ioBinding.GetOutputValues();
    }

    /// <summary>Unloads the model, as soon as no run uses it.</summary>
    public void Dispose() => Handle.Dispose();

    private static SessionHandle Open(string modelPath, SessionOptions sessionOptions)
    {
        using var env = new Borrowed(OrtEnv.Instance());
        using var options = new Borrowed(sessionOptions);
        using var path = new Utf8(modelPath);
        OrtLibrary.Check(Api->CreateSession(env.Pointer, path.Pointer, options.Pointer, out var session));
        return new(session);
    }

    private static SessionHandle Open(byte[] model, SessionOptions sessionOptions)
    {
        using var env = new Borrowed(OrtEnv.Instance());
        using var options = new Borrowed(sessionOptions);
        fixed (byte* bytes = model)
        {
            OrtLibrary.Check(Api->CreateSessionFromArray(env.Pointer, bytes, (nuint)model.Length, options.Pointer, out var session));
            return new(session);
        }
    }

    private void ReadSignature()
    {
        using var self = new Borrowed(Handle);
        OrtLibrary.Check(Api->SessionGetInputCount(self.Pointer, out var inputCount));
        for (nuint i = 0; i < inputCount; i++)
        {
            OrtLibrary.Check(Api->SessionGetInputName(self.Pointer, i, OrtLibrary.DefaultAllocator, out var name));
            OrtLibrary.Check(Api->SessionGetInputTypeInfo(self.Pointer, i, out var type));
            Handle.AddInput(Add(inputMetadata, name, type));
        }

        OrtLibrary.Check(Api->SessionGetOutputCount(self.Pointer, out var outputCount));
        for (nuint i = 0; i < outputCount; i++)
        {
            OrtLibrary.Check(Api->SessionGetOutputName(self.Pointer, i, OrtLibrary.DefaultAllocator, out var name));
            OrtLibrary.Check(Api->SessionGetOutputTypeInfo(self.Pointer, i, out var type));
            Handle.AddOutput(Add(outputMetadata, name, type));
        }
    }

    private static string Add(OrderedDictionary<string, NodeMetadata> signature, byte* nativeName, nint typeInfo)
    {
        var name = OrtLibrary.TakeText(nativeName);
        try
        {
            signature.Add(name, new NodeMetadata(typeInfo));
        }
        finally
        {
            Api->ReleaseTypeInfo(typeInfo);
        }
        return name;
    }

    private void Run(
        RunOptions? runOptions, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputValues,
        IReadOnlyCollection<string> outputNames, nint[] outputs)
    {
        SameCount(inputNames, nameof(inputNames), inputValues, nameof(inputValues));
        using var self = new Borrowed(Handle);
        using var options = new Borrowed(runOptions);
        using var inputs = new BorrowedValues(inputValues);
        fixed (nint* inNames = Handle.InputNames(inputNames), ins = inputs.Pointers, outNames = Handle.OutputNames(outputNames), outs = outputs)
        {
            OrtLibrary.Check(Api->Run(
                self.Pointer, options.Pointer, inNames, ins, (nuint)inputNames.Count, outNames, (nuint)outputs.Length, outs));
        }
    }

    private static void SameCount(IReadOnlyCollection<string> names, string namesName, IReadOnlyCollection<OrtValue> values, string valuesName)
    {
        if (names.Count != values.Count)
            throw new ArgumentException($"Length of {namesName} ({names.Count}) must match that of {valuesName} ({values.Count}).", valuesName);
    }
}
