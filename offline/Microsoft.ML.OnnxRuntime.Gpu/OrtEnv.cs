using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;

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
        OrtLibrary.Check(logger is null
            ? OrtLibrary.Api->CreateEnv((int)level, id.Pointer, out handle)
            : OrtLibrary.Api->CreateEnvWithCustomLogger(&Log, options.loggingParam ?? 0, (int)level, id.Pointer, out handle));
        OrtLibrary.Check(OrtLibrary.Api->SetLanguageProjection(handle, ProjectionCSharp));
    }

    /// <summary>Whether the environment exists already, hence its options are settled.</summary>
    public static bool IsCreated => Volatile.Read(ref instance) is not null;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The least severity that is logged by what has no level of its own.</summary>
    public OrtLoggingLevel EnvLogLevel
    {
        get => level;
        set
        {
            using var self = new Borrowed(this);
            OrtLibrary.Check(OrtLibrary.Api->UpdateEnvWithCustomLogLevel(self.Pointer, (int)value));
            level = value;
        }
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
        OrtLibrary.Check(OrtLibrary.Api->GetAvailableProviders(out var names, out var count));
        var providers = new string[count];
        for (var i = 0; i < count; i++)
            providers[i] = OrtLibrary.Text(names[i]);
        OrtLibrary.Check(OrtLibrary.Api->ReleaseAvailableProviders(names, count));
        return providers;
    }

    /// <summary>The release of the native library, like <c>1.30.0</c>.</summary>
    public string GetVersionString() => OrtLibrary.VersionString;

    /// <summary>Lets the library report usage, where it was built to.</summary>
    public void EnableTelemetryEvents()
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(OrtLibrary.Api->EnableTelemetryEvents(self.Pointer));
    }

    /// <summary>Stops usage reports from here on; <c>ORT_DISABLE_TELEMETRY=1</c> in the process's environment prevents them.</summary>
    public void DisableTelemetryEvents()
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(OrtLibrary.Api->DisableTelemetryEvents(self.Pointer));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        OrtLibrary.Api->ReleaseEnv(handle);
        Interlocked.CompareExchange(ref instance, null, this);
        return true;
    }

    [UnmanagedCallersOnly]
    private static void Log(nint param, int severity, byte* category, byte* logId, byte* codeLocation, byte* message)
    {
        try
        {
            logger?.Invoke(param, (OrtLoggingLevel)severity, OrtLibrary.Text(category), OrtLibrary.Text(logId),
                OrtLibrary.Text(codeLocation), OrtLibrary.Text(message));
        }
        catch (Exception)
        {
            // An exception must not unwind native frames, and there is no log to tell.
        }
    }
}
