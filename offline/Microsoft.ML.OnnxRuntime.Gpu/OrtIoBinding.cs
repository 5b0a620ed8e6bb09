using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>
/// Inputs and outputs bound to a session beforehand, so that runs copy nothing between devices. The library keeps its own
/// reference to what is bound. For one run at a time.
/// </summary>
public unsafe class OrtIoBinding : SafeHandle
{
    private static readonly OrtApi* Api = OrtLibrary.Api;

    internal OrtIoBinding(InferenceSession session) : base(0, ownsHandle: true)
    {
        using var owner = new Borrowed(session.Handle);
        OrtLibrary.Check(Api->CreateIoBinding(owner.Pointer, out handle));
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Binds a value, which must stay valid, to an input.</summary>
    public void BindInput(string name, OrtValue ortValue) => Bind(Api->BindInput, name, ortValue.Handle);

    /// <summary>Binds a value, which must stay valid and have the right shape, to an output.</summary>
    public void BindOutput(string name, OrtValue ortValue) => Bind(Api->BindOutput, name, ortValue.Handle);

    /// <summary>Has an output of unknown shape allocated where told.</summary>
    public void BindOutputToDevice(string name, OrtMemoryInfo memInfo) => Bind(Api->BindOutputToDevice, name, memInfo);

    /// <summary>Waits until copies of the inputs to their device are done.</summary>
    public void SynchronizeBoundInputs()
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(Api->SynchronizeBoundInputs(self.Pointer));
    }

    /// <summary>Waits until the outputs are complete.</summary>
    public void SynchronizeBoundOutputs()
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(Api->SynchronizeBoundOutputs(self.Pointer));
    }

    /// <summary>The bound outputs' names, in the order of binding.</summary>
    public string[] GetOutputNames()
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(Api->GetBoundOutputNames(self.Pointer, OrtLibrary.DefaultAllocator, out var buffer, out var lengths, out var count));
        var names = new string[count];
        var next = buffer;
        for (var i = 0; i < names.Length; next += lengths[i++])
            names[i] = Encoding.UTF8.GetString(next, (int)lengths[i]);
        OrtLibrary.Free(buffer);
        OrtLibrary.Free(lengths);
        return names;
    }

    /// <summary>The outputs of the last run, in the order of binding.</summary>
    public IDisposableReadOnlyCollection<OrtValue> GetOutputValues()
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(Api->GetBoundOutputValues(self.Pointer, OrtLibrary.DefaultAllocator, out var values, out var count));
        var result = new DisposableList<OrtValue>((int)count);
        for (nuint i = 0; i < count; i++)
            result.Add(new OrtValue(values[i]));
        OrtLibrary.Free(values);
        return result;
    }

    /// <summary>Unbinds all inputs.</summary>
    public void ClearBoundInputs()
    {
        using var self = new Borrowed(this);
        Api->ClearBoundInputs(self.Pointer);
    }

    /// <summary>Unbinds all outputs.</summary>
    public void ClearBoundOutputs()
    {
        using var self = new Borrowed(this);
        Api->ClearBoundOutputs(self.Pointer);
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Api->ReleaseIoBinding(handle);
        return true;
    }

    private void Bind(delegate* unmanaged<nint, byte*, nint, nint> function, string name, SafeHandle what)
    {
        using var self = new Borrowed(this);
        using var utf8 = new Utf8(name);
        using var other = new Borrowed(what);
        OrtLibrary.Check(function(self.Pointer, utf8.Pointer, other.Pointer));
    }
}
