using System.Runtime.InteropServices;
using System.Text;

namespace InferenceTemplate.Worker.Gpu;

/// <summary>
/// The few functions that are wanted of NVIDIA's management library, which the driver brings. Bound by name when it is loaded, so that a
/// machine without it lacks nothing but the figures. Signatures after <c>nvml.h</c>; the <c>_v2</c> names have stood since driver 340.
/// </summary>
internal sealed unsafe class NvmlLibrary : IDisposable
{
    public const int Success = 0;

    // NVML_DEVICE_UUID_V2_BUFFER_SIZE, and the same will do for names.
    private const int TextSize = 96;

    private readonly nint _library;
    private readonly delegate* unmanaged[Cdecl]<int> _shutdown;
    private readonly delegate* unmanaged[Cdecl]<uint*, int> _count;
    private readonly delegate* unmanaged[Cdecl]<uint, nint*, int> _handle;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, uint, int> _uuid;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, uint, int> _name;
    private readonly delegate* unmanaged[Cdecl]<nint, NvmlUtilization*, int> _utilization;
    private readonly delegate* unmanaged[Cdecl]<nint, NvmlMemory*, int> _memory;
    private readonly delegate* unmanaged[Cdecl]<nint, int, uint*, int> _temperature;
    private readonly delegate* unmanaged[Cdecl]<nint, uint*, int> _power;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, ulong*, int> _eccErrors;

    private NvmlLibrary(nint library)
    {
        _library = library;
        _shutdown = (delegate* unmanaged[Cdecl]<int>)Find("nvmlShutdown");
        _count = (delegate* unmanaged[Cdecl]<uint*, int>)Find("nvmlDeviceGetCount_v2");
        _handle = (delegate* unmanaged[Cdecl]<uint, nint*, int>)Find("nvmlDeviceGetHandleByIndex_v2");
        _uuid = (delegate* unmanaged[Cdecl]<nint, byte*, uint, int>)Find("nvmlDeviceGetUUID");
        _name = (delegate* unmanaged[Cdecl]<nint, byte*, uint, int>)Find("nvmlDeviceGetName");
        _utilization = (delegate* unmanaged[Cdecl]<nint, NvmlUtilization*, int>)Find("nvmlDeviceGetUtilizationRates");
        _memory = (delegate* unmanaged[Cdecl]<nint, NvmlMemory*, int>)Find("nvmlDeviceGetMemoryInfo");
        _temperature = (delegate* unmanaged[Cdecl]<nint, int, uint*, int>)Find("nvmlDeviceGetTemperature");
        _power = (delegate* unmanaged[Cdecl]<nint, uint*, int>)Find("nvmlDeviceGetPowerUsage");
        _eccErrors = (delegate* unmanaged[Cdecl]<nint, int, int, ulong*, int>)Find("nvmlDeviceGetTotalEccErrors");

        var initialise = (delegate* unmanaged[Cdecl]<int>)Find("nvmlInit_v2");
        var code = initialise();
        if (code != Success)
        {
            throw new InvalidOperationException($"nvmlInit_v2 answered {code}");
        }
    }

    /// <summary>The library's name where the driver is installed.</summary>
    public static string DefaultName => OperatingSystem.IsWindows() ? "nvml.dll" : "libnvidia-ml.so.1";

    /// <summary>Loads and initialises the library; null, with the reason, where it is not there or does not work.</summary>
    public static NvmlLibrary? TryLoad(string name, out string? problem)
    {
        if (!NativeLibrary.TryLoad(name, out var library))
        {
            problem = $"there is no {name}";
            return null;
        }

        try
        {
            problem = null;
            return new NvmlLibrary(library);
        }
        catch (Exception exception) when (exception is EntryPointNotFoundException or InvalidOperationException)
        {
            NativeLibrary.Free(library);
            problem = exception.Message;
            return null;
        }
    }

    public int Count
    {
        get
        {
            uint count;
            return _count(&count) == Success ? (int)count : 0;
        }
    }

    /// <summary>A device by its index; 0 where it can't be had (lost, or not permitted).</summary>
    public nint Device(int index)
    {
        nint device;
        return _handle((uint)index, &device) == Success ? device : 0;
    }

    public string? Uuid(nint device) => Text(_uuid, device);

    public string? Name(nint device) => Text(_name, device);

    // Each figure is null where this device does not know it: many have no ECC, virtual ones no power or temperature.
    public NvmlUtilization? Utilization(nint device)
    {
        NvmlUtilization utilization;
        return _utilization(device, &utilization) == Success ? utilization : null;
    }

    public NvmlMemory? Memory(nint device)
    {
        NvmlMemory memory;
        return _memory(device, &memory) == Success ? memory : null;
    }

    /// <summary>Degrees Celsius of the die (NVML_TEMPERATURE_GPU).</summary>
    public uint? Temperature(nint device)
    {
        uint celsius;
        return _temperature(device, 0, &celsius) == Success ? celsius : null;
    }

    public uint? PowerMilliwatts(nint device)
    {
        uint milliwatts;
        return _power(device, &milliwatts) == Success ? milliwatts : null;
    }

    /// <summary>Since the driver was loaded (NVML_VOLATILE_ECC).</summary>
    public ulong? EccErrors(nint device, bool uncorrected)
    {
        ulong errors;
        return _eccErrors(device, uncorrected ? 1 : 0, 0, &errors) == Success ? errors : null;
    }

    public void Dispose()
    {
        _ = _shutdown();
        NativeLibrary.Free(_library);
    }

    private static string? Text(delegate* unmanaged[Cdecl]<nint, byte*, uint, int> function, nint device)
    {
        var text = stackalloc byte[TextSize];
        return function(device, text, TextSize) == Success
            ? Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text))
            : null;
    }

    private nint Find(string function) => NativeLibrary.GetExport(_library, function);
}

/// <summary>nvmlUtilization_t: percent of the last sample period in which a kernel ran, or memory was read or written.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct NvmlUtilization
{
    public readonly uint Gpu;
    public readonly uint Memory;
}

/// <summary>nvmlMemory_t, in bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct NvmlMemory
{
    public readonly ulong Total;
    public readonly ulong Free;
    public readonly ulong Used;
}
