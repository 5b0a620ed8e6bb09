using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The thread pools that sessions may share, chosen when the environment is made. 0 leaves a number to the library.</summary>
public unsafe class OrtThreadingOptions : SafeHandle
{
    public OrtThreadingOptions() : base(0, ownsHandle: true) => Check(Api->CreateThreadingOptions(out handle));

    public override bool IsInvalid => handle == 0;

    /// <summary>Threads within one operator.</summary>
    public int GlobalIntraOpNumThreads { set => this.Call(Api->SetGlobalIntraOpNumThreads, value); }

    /// <summary>Threads across operators.</summary>
    public int GlobalInterOpNumThreads { set => this.Call(Api->SetGlobalInterOpNumThreads, value); }

    /// <summary>Whether idle threads spin for a while: quicker, at the cost of the processor.</summary>
    public bool GlobalSpinControl { set => this.Call(Api->SetGlobalSpinControl, value ? 1 : 0); }

    /// <summary>Takes numbers too small to be normal for zero, which some processors are much quicker with.</summary>
    public void SetGlobalDenormalAsZero() => this.Call(Api->SetGlobalDenormalAsZero);

    protected override bool ReleaseHandle() => Calls.Release(Api->ReleaseThreadingOptions, handle);
}
