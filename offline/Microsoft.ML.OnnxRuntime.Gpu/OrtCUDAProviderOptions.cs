using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The options of the CUDA provider, by key: <c>device_id</c>, <c>gpu_mem_limit</c>, <c>arena_extend_strategy</c> and so on.</summary>
public unsafe class OrtCUDAProviderOptions : SafeHandle
{
    /// <exception cref="OnnxRuntimeException">The CUDA provider library is not beside the native library.</exception>
    public OrtCUDAProviderOptions() : base(0, ownsHandle: true) =>
        OrtLibrary.Check(OrtLibrary.Api->CreateCUDAProviderOptions(out handle));

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>All options and their values, as <c>key=value;key=value</c>.</summary>
    public string GetOptions()
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(OrtLibrary.Api->GetCUDAProviderOptionsAsString(self.Pointer, OrtLibrary.DefaultAllocator, out var text));
        return OrtLibrary.TakeText(text);
    }

    /// <summary>Sets the options named; the others keep their defaults.</summary>
    public void UpdateOptions(Dictionary<string, string> providerOptions)
    {
        using var self = new Borrowed(this);
        using var pairs = new Utf8Pairs(providerOptions);
        fixed (nint* keys = pairs.Keys, values = pairs.Values)
            OrtLibrary.Check(OrtLibrary.Api->UpdateCUDAProviderOptions(self.Pointer, (byte**)keys, (byte**)values, pairs.Count));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        OrtLibrary.Api->ReleaseCUDAProviderOptions(handle);
        return true;
    }
}
