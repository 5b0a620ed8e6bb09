using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>How an allocator hands out memory.</summary>
public enum OrtAllocatorType
{
    DeviceAllocator = 0,
    ArenaAllocator = 1,
}

/// <summary>What memory is for, as seen from a device.</summary>
public enum OrtMemType
{
    CpuInput = -2,
    CpuOutput = -1,
    Cpu = CpuOutput,
    Default = 0,
}

/// <summary>Where memory is: the name of its allocator, and a device.</summary>
public unsafe class OrtMemoryInfo : SafeHandle
{
    /// <summary>Memory of the process.</summary>
    public static readonly byte[] allocatorCPU = "Cpu\0"u8.ToArray();

    /// <summary>Memory of an NVIDIA device.</summary>
    public static readonly byte[] allocatorCUDA = "Cuda\0"u8.ToArray();

    /// <summary>Memory of the process that an NVIDIA device can read.</summary>
    public static readonly byte[] allocatorCUDA_PINNED = "CudaPinned\0"u8.ToArray();

    private static readonly Lazy<OrtMemoryInfo> Cpu = new(() =>
    {
        OrtLibrary.Check(OrtLibrary.Api->CreateCpuMemoryInfo((int)OrtAllocatorType.DeviceAllocator, (int)OrtMemType.Default, out var info));
        return new OrtMemoryInfo(info, owned: true);
    });

    /// <param name="utf8AllocatorName">One of the names above, zero-terminated.</param>
    /// <param name="allocatorType">How it is handed out.</param>
    /// <param name="deviceId">From 0.</param>
    /// <param name="memoryType">What it is for.</param>
    public OrtMemoryInfo(byte[] utf8AllocatorName, OrtAllocatorType allocatorType, int deviceId, OrtMemType memoryType)
        : base(0, ownsHandle: true)
    {
        fixed (byte* name = utf8AllocatorName)
            OrtLibrary.Check(OrtLibrary.Api->CreateMemoryInfo(name, (int)allocatorType, deviceId, (int)memoryType, out handle));
    }

    /// <inheritdoc cref="OrtMemoryInfo(byte[], OrtAllocatorType, int, OrtMemType)"/>
    public OrtMemoryInfo(string allocatorName, OrtAllocatorType allocatorType, int deviceId, OrtMemType memoryType)
        : this(System.Text.Encoding.UTF8.GetBytes(allocatorName + '\0'), allocatorType, deviceId, memoryType)
    {
    }

    internal OrtMemoryInfo(nint info, bool owned) : base(0, owned) => SetHandle(info);

    /// <summary>Memory of the process. Not to be disposed of.</summary>
    public static OrtMemoryInfo DefaultInstance => Cpu.Value;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The allocator's name.</summary>
    public string Name
    {
        get
        {
            using var self = new Borrowed(this);
            OrtLibrary.Check(OrtLibrary.Api->MemoryInfoGetName(self.Pointer, out var name));
            return OrtLibrary.Text(name);
        }
    }

    /// <summary>The device, from 0.</summary>
    public int Id
    {
        get
        {
            using var self = new Borrowed(this);
            OrtLibrary.Check(OrtLibrary.Api->MemoryInfoGetId(self.Pointer, out var id));
            return id;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        OrtLibrary.Api->ReleaseMemoryInfo(handle);
        return true;
    }
}
