using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>A string as the C API wants it, for the length of one call.</summary>
internal readonly unsafe ref struct Utf8 : IDisposable
{
    public Utf8(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Pointer = (byte*)Marshal.StringToCoTaskMemUTF8(text);
    }

    public byte* Pointer { get; }

    public void Dispose() => Marshal.FreeCoTaskMem((nint)Pointer);
}
