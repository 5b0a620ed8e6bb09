using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>
/// A native object in use by one call: if another thread disposes of its owner meanwhile, it is released after the call.
/// </summary>
/// <exception cref="ObjectDisposedException">The owner was disposed of before.</exception>
internal readonly ref struct Borrowed : IDisposable
{
    private readonly SafeHandle? owner;

    public Borrowed(SafeHandle? owner)
    {
        if (owner is null)
            return; // The C API takes null for "the defaults" where an object is optional.
        var added = false;
        owner.DangerousAddRef(ref added);
        this.owner = owner;
        Pointer = owner.DangerousGetHandle();
    }

    public nint Pointer { get; }

    public void Dispose() => owner?.DangerousRelease();
}
