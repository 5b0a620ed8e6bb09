using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>The native library: loaded once, from beside the program, at the first use of anything in this assembly.</summary>
internal static unsafe class OrtLibrary
{
    private const string FileName = "libonnxruntime.so.1";

    private static readonly nint Library = Load();
    private static readonly nint* ApiBase = (nint*)((delegate* unmanaged<nint>)Export("OrtGetApiBase"))();

    /// <summary>The function table. It lives as long as the process.</summary>
    public static readonly OrtApi* Api = (OrtApi*)GetApi(OrtApi.Version);

    /// <summary>The allocator of plain process memory, in which the library returns its strings. Never released.</summary>
    public static readonly nint DefaultAllocator = GetDefaultAllocator();

    public static string VersionString => Text(((delegate* unmanaged<byte*>)ApiBase[1])());

    /// <summary>A function that is exported by name, outside the table.</summary>
    public static nint Export(string name) => NativeLibrary.GetExport(Library, name);

    /// <exception cref="NotSupportedException">The library is older than the API version asked for.</exception>
    public static nint GetApi(uint version)
    {
        var api = ((delegate* unmanaged<uint, nint>)ApiBase[0])(version);
        return api != 0 ? api : throw new NotSupportedException(
            $"{FileName} is ONNX Runtime {VersionString}, which does not offer version {version} of its C API.");
    }

    /// <summary>Throws what a status says, and releases it. Null means success.</summary>
    public static void Check(nint status)
    {
        if (status == 0)
            return;
        var error = new OnnxRuntimeException((OrtErrorCode)Api->GetErrorCode(status), Text(Api->GetErrorMessage(status)));
        Api->ReleaseStatus(status);
        throw error;
    }

    /// <summary>Zero-terminated UTF-8 that stays the library's.</summary>
    public static string Text(byte* utf8) =>
        utf8 == null ? "" : Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(utf8));

    /// <summary>Zero-terminated UTF-8 that the library allocated for the caller.</summary>
    public static string TakeText(byte* utf8)
    {
        var text = Text(utf8);
        Free(utf8);
        return text;
    }

    /// <summary>Returns memory that the library allocated for the caller.</summary>
    public static void Free(void* memory)
    {
        if (memory != null)
            Check(Api->AllocatorFree(DefaultAllocator, memory));
    }

    private static nint GetDefaultAllocator()
    {
        Check(Api->GetAllocatorWithDefaultOptions(out var allocator));
        return allocator;
    }

    private static nint Load()
    {
        var beside = Path.Combine(AppContext.BaseDirectory, FileName);
        return File.Exists(beside)
            ? NativeLibrary.Load(beside)
            : NativeLibrary.Load(FileName, typeof(OrtLibrary).Assembly, DllImportSearchPath.SafeDirectories);
    }
}
