using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The options of the CUDA provider, by key: <c>device_id</c>, <c>gpu_mem_limit</c>, <c>arena_extend_strategy</c> and so on.</summary>
public unsafe class OrtCUDAProviderOptions : SafeHandle
{
    /// <exception cref="OnnxRuntimeException">The CUDA provider library is not beside the native library.</exception>
    public OrtCUDAProviderOptions() : base(0, ownsHandle: true) => Check(Api->CreateCUDAProviderOptions(out handle));

    public override bool IsInvalid => handle == 0;

    /// <summary>All options and their values, as <c>key=value;key=value</c>.</summary>
    public string GetOptions()
    {
        using var self = new Borrowed(this);
        Check(Api->GetCUDAProviderOptionsAsString(self.Pointer, DefaultAllocator, out var text));
        return TakeText(text);
    }

    /// <summary>Sets the options named; the others keep their values.</summary>
    public void UpdateOptions(Dictionary<string, string> providerOptions) =>
        Calls.WithPairs(providerOptions, (keys, values, count) =>
        {
            using var self = new Borrowed(this);
            Check(Api->UpdateCUDAProviderOptions(self.Pointer, (byte**)keys, (byte**)values, count));
        });

    protected override bool ReleaseHandle() => Calls.Release(Api->ReleaseCUDAProviderOptions, handle);
}
