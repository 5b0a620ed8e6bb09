using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>What the kernel lets this process have. Linux only; elsewhere just the time is limited, by the parent.</summary>
internal static partial class ProcessLimits
{
    // <sys/resource.h> of Linux, the same on x64 and arm64.
    private const int CpuTime = 0;
    private const int FileSize = 1;
    private const int CoreSize = 4;
    private const int AddressSpace = 9;

    public static void Apply(InspectionLimits limits)
    {
        // Serving goes first.
        using var self = Process.GetCurrentProcess();
        self.PriorityClass = ProcessPriorityClass.BelowNormal;
        if (limits.IsTrusted || !OperatingSystem.IsLinux())
        {
            return;
        }

        Set(CpuTime, (ulong)limits.CpuSeconds);
        Set(FileSize, 0);
        Set(CoreSize, 0);

        // The runtime has reserved address space that it will never use: only what comes now is counted.
        Set(AddressSpace, (ulong)(Pages(0) + limits.MemoryBytes));
    }

    /// <summary>Bytes of memory that this process holds; 0 where that is not known.</summary>
    public static long ResidentBytes => OperatingSystem.IsLinux() ? Pages(1) : 0;

    [SupportedOSPlatform("linux")]
    private static long Pages(int column) =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[column], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

    [SupportedOSPlatform("linux")]
    private static void Set(int resource, ulong value)
    {
        var limit = new Limit(value, value);
        if (SetLimit(resource, in limit) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"The limit {resource} could not be set to {value}.");
        }
    }

    [SupportedOSPlatform("linux")]
    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Limit(ulong soft, ulong hard)
    {
        public readonly ulong Soft = soft;
        public readonly ulong Hard = hard;
    }
}
