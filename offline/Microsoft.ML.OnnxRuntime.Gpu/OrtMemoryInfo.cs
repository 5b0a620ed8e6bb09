using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

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
public unsafe class OrtMemoryInfo : SafeHandle, IEquatable<OrtMemoryInfo>
{
    public static readonly byte[] allocatorCPU = "Cpu\0"u8.ToArray();
    public static readonly byte[] allocatorCUDA = "Cuda\0"u8.ToArray();
    public static readonly byte[] allocatorCUDA_PINNED = "CudaPinned\0"u8.ToArray();

    private static readonly Lazy<OrtMemoryInfo> Cpu =
        new(() => new OrtMemoryInfo(allocatorCPU, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default));

    public OrtMemoryInfo(byte[] utf8AllocatorName, OrtAllocatorType allocatorType, int deviceId, OrtMemType memoryType)
        : base(0, ownsHandle: true)
    {
        fixed (byte* name = utf8AllocatorName)
            Check(Api->CreateMemoryInfo(name, (int)allocatorType, deviceId, (int)memoryType, out handle));
    }

    public OrtMemoryInfo(string allocatorName, OrtAllocatorType allocatorType, int deviceId, OrtMemType memoryType)
        : this(Encoding.UTF8.GetBytes(allocatorName + '\0'), allocatorType, deviceId, memoryType)
    {
    }

    internal OrtMemoryInfo(nint borrowed) : base(0, ownsHandle: false) => SetHandle(borrowed);

    /// <summary>Memory of the process. Not to be disposed of.</summary>
    public static OrtMemoryInfo DefaultInstance => Cpu.Value;

    public override bool IsInvalid => handle == 0;

    /// <summary>The allocator's name.</summary>
    public string Name
    {
        get
        {
            using var self = new Borrowed(this);
            Check(Api->MemoryInfoGetName(self.Pointer, out var name));
            return Text(name);
        }
    }

    /// <summary>The device.</summary>
    public int Id => Read(Api->MemoryInfoGetId);

    public OrtMemType GetMemoryType() => (OrtMemType)Read(Api->MemoryInfoGetMemType);

    public OrtAllocatorType GetAllocatorType() => (OrtAllocatorType)Read(Api->MemoryInfoGetType);

    /// <summary>Whether both mean the same memory.</summary>
    public bool Equals(OrtMemoryInfo? other)
    {
        if (other is null)
            return false;
        using var self = new Borrowed(this);
        using var that = new Borrowed(other);
        Check(Api->CompareMemoryInfo(self.Pointer, that.Pointer, out var difference));
        return difference == 0;
    }

    public override bool Equals(object? obj) => obj is OrtMemoryInfo other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Name, Id, GetMemoryType(), GetAllocatorType());

    protected override bool ReleaseHandle() => Calls.Release(Api->ReleaseMemoryInfo, handle);

    private int Read(delegate* unmanaged<nint, out int, nint> function)
    {
        using var self = new Borrowed(this);
        Check(function(self.Pointer, out var value));
        return value;
    }
}
