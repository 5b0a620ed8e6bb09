namespace Microsoft.ML.OnnxRuntime;

/// <summary>Runs on tensors by name.</summary>
public sealed unsafe partial class InferenceSession
{
    /// <summary>Runs the model for all its outputs.</summary>
    /// <inheritdoc cref="Run(IReadOnlyCollection{NamedOnnxValue}, IReadOnlyCollection{string}, RunOptions)"/>
    public IDisposableReadOnlyCollection<DisposableNamedOnnxValue> Run(IReadOnlyCollection<NamedOnnxValue> inputs) => Run(inputs, OutputNames);

    /// <inheritdoc cref="Run(IReadOnlyCollection{NamedOnnxValue}, IReadOnlyCollection{string}, RunOptions)"/>
    public IDisposableReadOnlyCollection<DisposableNamedOnnxValue> Run(
        IReadOnlyCollection<NamedOnnxValue> inputs, IReadOnlyCollection<string> outputNames) => Run(inputs, outputNames, null!);

    /// <summary>Runs the model.</summary>
    /// <param name="inputs">In any order.</param>
    /// <param name="outputNames">The outputs wanted.</param>
    /// <param name="options">Null means the defaults.</param>
    /// <returns>The outputs in the order asked for, to be disposed of.</returns>
    /// <exception cref="OnnxRuntimeException">A name, type or shape is wrong, an operator failed, or the run was terminated.</exception>
    public IDisposableReadOnlyCollection<DisposableNamedOnnxValue> Run(
        IReadOnlyCollection<NamedOnnxValue> inputs, IReadOnlyCollection<string> outputNames, RunOptions options)
    {
        using var values = new DisposableList<OrtValue>(inputs.Count);
        foreach (var input in inputs)
            values.Add(input.ToOrtValue());
        var outputs = Run(options, [.. inputs.Select(i => i.Name)], values, outputNames);
        try
        {
            var named = new DisposableList<DisposableNamedOnnxValue>(outputs.Count);
            foreach (var (name, value) in outputNames.Zip(outputs))
                named.Add(DisposableNamedOnnxValue.Of(name, value));
            return named;
        }
        catch
        {
            outputs.Dispose();
            throw;
        }
    }
}
