using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tests.Offline.OnnxRuntime;

/// <summary>
/// The native library reads <c>ORT_DISABLE_TELEMETRY</c> with getenv, which does not see what .NET sets for itself. libc's own
/// setenv, called before the library is loaded, is as good as having been started with it.
/// </summary>
internal static class NoTelemetry
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    private static readonly nint LibC = NativeLibrary.Load("libc.so.6");

    private delegate int SetEnv(string name, string value, int overwrite);

    private delegate nint GetEnv(string name);

    [ModuleInitializer]
    internal static void Disable() => Function<SetEnv>("setenv")(Variable, "1", overwrite: 1);

    internal static string? Seen() => Marshal.PtrToStringUTF8(Function<GetEnv>("getenv")(Variable));

    private static T Function<T>(string name) => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(LibC, name));
}
