using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>
/// Inputs and outputs bound to a session beforehand, so that runs copy nothing between devices. What is bound must stay valid.
/// For one run at a time.
/// </summary>
public unsafe class OrtIoBinding : SafeHandle
{
    internal OrtIoBinding(SafeHandle session) : base(0, ownsHandle: true)
    {
        using var owner = new Borrowed(session);
        Check(Api->CreateIoBinding(owner.Pointer, out handle));
    }

    public override bool IsInvalid => handle == 0;

    public void BindInput(string name, OrtValue ortValue) => this.Call(Api->BindInput, name, ortValue.Handle);

    public void BindOutput(string name, OrtValue ortValue) => this.Call(Api->BindOutput, name, ortValue.Handle);

    /// <summary>Has an output of unknown shape allocated where told.</summary>
    public void BindOutputToDevice(string name, OrtMemoryInfo memInfo) => this.Call(Api->BindOutputToDevice, name, memInfo);

    /// <summary>Waits until copies of the inputs to their device are done.</summary>
    public void SynchronizeBoundInputs() => this.Call(Api->SynchronizeBoundInputs);

    /// <summary>Waits until the outputs are complete.</summary>
    public void SynchronizeBoundOutputs() => this.Call(Api->SynchronizeBoundOutputs);

    /// <summary>The bound outputs' names, in the order of binding.</summary>
    public string[] GetOutputNames()
    {
        using var self = new Borrowed(this);
        Check(Api->GetBoundOutputNames(self.Pointer, DefaultAllocator, out var buffer, out var lengths, out var count));
        var names = new string[count];
        var next = buffer;
        for (var i = 0; i < names.Length; next += lengths[i++])
            names[i] = Encoding.UTF8.GetString(next, (int)lengths[i]);
        Free(buffer);
        Free(lengths);
        return names;
    }

    /// <summary>The outputs of the last run, in the order of binding, to be disposed of.</summary>
    public IDisposableReadOnlyCollection<OrtValue> GetOutputValues()
    {
        using var self = new Borrowed(this);
        Check(Api->GetBoundOutputValues(self.Pointer, DefaultAllocator, out var values, out var count));
        var result = new DisposableList<OrtValue>((int)count);
        for (nuint i = 0; i < count; i++)
            result.Add(new OrtValue(values[i]));
        Free(values);
        return result;
    }

    public void ClearBoundInputs()
    {
        using var self = new Borrowed(this);
        Api->ClearBoundInputs(self.Pointer);
    }

    public void ClearBoundOutputs()
    {
        using var self = new Borrowed(this);
        Api->ClearBoundOutputs(self.Pointer);
    }

    protected override bool ReleaseHandle() => Calls.Release(Api->ReleaseIoBinding, handle);
}
