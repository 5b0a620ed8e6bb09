using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The environment of the native library, of which a process has one: logging, and what sessions share.</summary>
public sealed unsafe class OrtEnv : SafeHandle
{
    private const int ProjectionCSharp = 2;

    private static readonly Lock Gate = new();
    private static OrtEnv? instance;
    private static DOrtLoggingFunction? logger;

    private OrtLoggingLevel level;

    private OrtEnv(EnvironmentCreationOptions options) : base(0, ownsHandle: true)
    {
        level = options.logLevel ?? OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;
        logger = options.loggingFunction;
        using var id = new Utf8(string.IsNullOrEmpty(options.logId) ? "CSharpOnnxRuntime" : options.logId);
        using var threads = new Borrowed(options.threadOptions);
        Check((logger, options.threadOptions) switch
        {
            (null, null) => Api->CreateEnv((int)level, id.Pointer, out handle),
            (null, _) => Api->CreateEnvWithGlobalThreadPools((int)level, id.Pointer, threads.Pointer, out handle),
            (_, null) => Api->CreateEnvWithCustomLogger(&Log, options.loggingParam ?? 0, (int)level, id.Pointer, out handle),
            _ => Api->CreateEnvWithCustomLoggerAndGlobalThreadPools(
                &Log, options.loggingParam ?? 0, (int)level, id.Pointer, threads.Pointer, out handle),
        });
        Check(Api->SetLanguageProjection(handle, ProjectionCSharp));
    }

    /// <summary>Whether the environment exists already, hence its options are settled.</summary>
    public static bool IsCreated => Volatile.Read(ref instance) is not null;

    public override bool IsInvalid => handle == 0;

    /// <summary>The least severity that is logged by what has no level of its own.</summary>
    public OrtLoggingLevel EnvLogLevel
    {
        get => level;
        set => level = (OrtLoggingLevel)this.Call(Api->UpdateEnvWithCustomLogLevel, (int)value);
    }

    /// <summary>The environment, made with the defaults if it does not exist yet.</summary>
    public static OrtEnv Instance()
    {
        lock (Gate)
            return instance ??= new OrtEnv(default);
    }

    /// <summary>Makes the environment. To be called before anything else of this library.</summary>
    /// <exception cref="OnnxRuntimeException">It exists already.</exception>
    public static OrtEnv CreateInstanceWithOptions(ref EnvironmentCreationOptions options)
    {
        lock (Gate)
        {
            return instance is null
                ? instance = new OrtEnv(options)
                : throw new OnnxRuntimeException(
                    OrtErrorCode.RuntimeException, "The OrtEnv instance exists already, so its creation options would have no effect");
        }
    }

    /// <summary>The names of the execution providers compiled into the library, by preference.</summary>
    public string[] GetAvailableProviders()
    {
        Check(Api->GetAvailableProviders(out var names, out var count));
        var providers = new string[count];
        for (var i = 0; i < count; i++)
            providers[i] = Text(names[i]);
        Check(Api->ReleaseAvailableProviders(names, count));
        return providers;
    }

    /// <summary>The release of the native library, like <c>1.30.0</c>.</summary>
    public string GetVersionString() => VersionString;

    /// <summary>Stops usage reports from here on; <c>ORT_DISABLE_TELEMETRY=1</c> in the process's environment prevents them.</summary>
    public void DisableTelemetryEvents() => this.Call(Api->DisableTelemetryEvents);

    protected override bool ReleaseHandle()
    {
        Interlocked.CompareExchange(ref instance, null, this);
        return Calls.Release(Api->ReleaseEnv, handle);
    }

    [UnmanagedCallersOnly]
    private static void Log(nint param, int severity, byte* category, byte* logId, byte* codeLocation, byte* message)
    {
        try
        {
            logger?.Invoke(param, (OrtLoggingLevel)severity, Text(category), Text(logId), Text(codeLocation), Text(message));
        }
        catch (Exception)
        {
            // An exception must not unwind native frames, and there is no log to tell.
        }
    }
}
