using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>A loaded model, ready to run. Runs may overlap freely; disposing of it lets those in progress finish.</summary>
public sealed unsafe partial class InferenceSession : IDisposable
{
    private readonly OrderedDictionary<string, NodeMetadata> inputMetadata = [];
    private readonly OrderedDictionary<string, NodeMetadata> outputMetadata = [];

    private InferenceSession(Func<nint, nint, nint> open, SessionOptions? sessionOptions)
    {
        using var env = new Borrowed(OrtEnv.Instance());
        using var options = new Borrowed(sessionOptions);
        Handle = new(open(env.Pointer, options.Pointer));
        ReadSignature();
    }

    /// <exception cref="OnnxRuntimeException">The file is absent, no model, or a model that cannot run here.</exception>
    public InferenceSession(string modelPath) : this(modelPath, null!)
    {
    }

    /// <inheritdoc cref="InferenceSession(string)"/>
    public InferenceSession(string modelPath, SessionOptions options)
        : this((env, native) =>
        {
            using var path = new Utf8(modelPath);
            Check(Api->CreateSession(env, path.Pointer, native, out var session));
            return session;
        }, options)
    {
    }

    /// <inheritdoc cref="InferenceSession(string)"/>
    public InferenceSession(byte[] model) : this(model, null!)
    {
    }

    /// <inheritdoc cref="InferenceSession(string)"/>
    public InferenceSession(byte[] model, SessionOptions options)
        : this((env, native) =>
        {
            fixed (byte* bytes = model)
            {
                Check(Api->CreateSessionFromArray(env, bytes, (nuint)model.Length, native, out var session));
                return session;
            }
        }, options)
    {
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

    /// <summary>Runs the model on inputs by name.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        RunOptions? runOptions, IReadOnlyDictionary<string, OrtValue> inputs, IReadOnlyCollection<string> outputNames) =>
        Run(runOptions, [.. inputs.Keys], [.. inputs.Values], outputNames);

    /// <summary>Runs the model into tensors of the caller, which must have the type and shape of the outputs.</summary>
    public void Run(
        RunOptions? runOptions, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputValues,
        IReadOnlyCollection<string> outputNames, IReadOnlyCollection<OrtValue> outputValues)
    {
        SameCount(outputNames, nameof(outputNames), outputValues, nameof(outputValues));
        using var outputs = new BorrowedValues(outputValues);
        Run(runOptions, inputNames, inputValues, outputNames, outputs.Pointers);
    }

    /// <summary>Prepares runs whose inputs and outputs stay where they are.</summary>
    public OrtIoBinding CreateIoBinding() => new(Handle);

    /// <summary>Runs the model on what is bound.</summary>
    public void RunWithBinding(RunOptions runOptions, OrtIoBinding ioBinding)
    {
        using var self = new Borrowed(Handle);
        using var options = new Borrowed(runOptions);
        using var binding = new Borrowed(ioBinding);
        Check(Api->RunWithBinding(self.Pointer, options.Pointer, binding.Pointer));
    }

    /// <summary>Runs the model on what is bound, and returns the outputs in the order of binding, to be disposed of.</summary>
    public IDisposableReadOnlyCollection<OrtValue> RunWithBoundResults(RunOptions runOptions, OrtIoBinding ioBinding)
    {
        RunWithBinding(runOptions, ioBinding);
        return ioBinding.GetOutputValues();
    }

    /// <summary>Writes what <see cref="SessionOptions.EnableProfiling"/> has gathered, and returns the file's name.</summary>
    public string EndProfiling()
    {
        using var self = new Borrowed(Handle);
        Check(Api->SessionEndProfiling(self.Pointer, DefaultAllocator, out var name));
        return TakeText(name);
    }

    /// <summary>Unloads the model, as soon as no run uses it.</summary>
    public void Dispose() => Handle.Dispose();

    private void Run(
        RunOptions? runOptions, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputValues,
        IReadOnlyCollection<string> outputNames, nint[] outputs)
    {
        SameCount(inputNames, nameof(inputNames), inputValues, nameof(inputValues));
        using var self = new Borrowed(Handle);
        using var options = new Borrowed(runOptions);
        using var inputs = new BorrowedValues(inputValues);
        fixed (nint* inNames = Handle.InputNames(inputNames), ins = inputs.Pointers, outNames = Handle.OutputNames(outputNames), outs = outputs)
            Check(Api->Run(self.Pointer, options.Pointer, inNames, ins, (nuint)inputNames.Count, outNames, (nuint)outputs.Length, outs));
    }

    private void ReadSignature()
    {
        using var self = new Borrowed(Handle);
        Check(Api->SessionGetInputCount(self.Pointer, out var inputs));
        for (nuint i = 0; i < inputs; i++)
        {
            Check(Api->SessionGetInputName(self.Pointer, i, DefaultAllocator, out var name));
            Check(Api->SessionGetInputTypeInfo(self.Pointer, i, out var type));
            Handle.AddInput(Add(inputMetadata, name, type));
        }

        Check(Api->SessionGetOutputCount(self.Pointer, out var outputs));
        for (nuint i = 0; i < outputs; i++)
        {
            Check(Api->SessionGetOutputName(self.Pointer, i, DefaultAllocator, out var name));
            Check(Api->SessionGetOutputTypeInfo(self.Pointer, i, out var type));
            Handle.AddOutput(Add(outputMetadata, name, type));
        }
    }

    private static string Add(OrderedDictionary<string, NodeMetadata> signature, byte* nativeName, nint typeInfo)
    {
        try
        {
            var name = TakeText(nativeName);
            signature.Add(name, new NodeMetadata(typeInfo));
            return name;
        }
        finally
        {
            Api->ReleaseTypeInfo(typeInfo);
        }
    }

    private static void SameCount(IReadOnlyCollection<string> names, string namesName, IReadOnlyCollection<OrtValue> values, string valuesName)
    {
        if (names.Count != values.Count)
            throw new ArgumentException($"Length of {namesName} ({names.Count}) must match that of {valuesName} ({values.Count}).", valuesName);
    }
}
