using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>How much a graph is rewritten before it runs.</summary>
public enum GraphOptimizationLevel
{
    ORT_DISABLE_ALL = 0,
    ORT_ENABLE_BASIC = 1,
    ORT_ENABLE_EXTENDED = 2,
    ORT_ENABLE_LAYOUT = 3,
    ORT_ENABLE_ALL = 99,
}

/// <summary>Whether branches of a graph run one after the other or at the same time.</summary>
public enum ExecutionMode
{
    ORT_SEQUENTIAL = 0,
    ORT_PARALLEL = 1,
}

/// <summary>How a session is to be made. Sessions copy what they need: one object may serve many.</summary>
public unsafe class SessionOptions : SafeHandle
{
    public SessionOptions() : base(0, ownsHandle: true)
    {
        OrtEnv.Instance(); // It must outlive every session.
        Check(Api->CreateSessionOptions(out handle));
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Threads within one operator; 0 means as many as there are physical cores, 1 none but the caller's.</summary>
    public int IntraOpNumThreads { get; set => field = this.Call(Api->SetIntraOpNumThreads, value); }

    /// <summary>Threads across operators, in <see cref="ExecutionMode.ORT_PARALLEL"/> only; 0 leaves the choice to the library.</summary>
    public int InterOpNumThreads { get; set => field = this.Call(Api->SetInterOpNumThreads, value); }

    public GraphOptimizationLevel GraphOptimizationLevel
    {
        get;
        set => field = (GraphOptimizationLevel)this.Call(Api->SetSessionGraphOptimizationLevel, (int)value);
    } = GraphOptimizationLevel.ORT_ENABLE_ALL;

    public ExecutionMode ExecutionMode { get; set => field = (ExecutionMode)this.Call(Api->SetSessionExecutionMode, (int)value); }

    /// <summary>Whether memory of runs with the same input shapes is planned ahead.</summary>
    public bool EnableMemoryPattern { get; set => this.Call((field = value) ? Api->EnableMemPattern : Api->DisableMemPattern); } = true;

    /// <summary>Whether CPU memory is kept in an arena rather than returned after each run.</summary>
    public bool EnableCpuMemArena { get; set => this.Call((field = value) ? Api->EnableCpuMemArena : Api->DisableCpuMemArena); } = true;

    /// <summary>The least severity that the session logs.</summary>
    public OrtLoggingLevel LogSeverityLevel
    {
        get;
        set => field = (OrtLoggingLevel)this.Call(Api->SetSessionLogSeverityLevel, (int)value);
    } = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;

    /// <summary>How much is told where <see cref="LogSeverityLevel"/> is verbose.</summary>
    public int LogVerbosityLevel { get; set => field = this.Call(Api->SetSessionLogVerbosityLevel, value); }

    /// <summary>Names the session in log lines.</summary>
    public string LogId { get; set => field = this.Call(Api->SetSessionLogId, value); } = "";

    /// <summary>Where the graph is written as it was rewritten for running; empty for nowhere.</summary>
    public string OptimizedModelFilePath { get; set => field = this.Call(Api->SetOptimizedModelFilePath, value); } = "";

    /// <summary>Whether each session writes a file that says how long each operator took, see <see cref="InferenceSession.EndProfiling"/>.</summary>
    public bool EnableProfiling
    {
        get;
        set
        {
            field = value;
            if (value)
                this.Call(Api->EnableProfiling, ProfileOutputPathPrefix);
            else
                this.Call(Api->DisableProfiling);
        }
    }

    /// <summary>How the names of such files begin. To be set before <see cref="EnableProfiling"/>.</summary>
    public string ProfileOutputPathPrefix { get; set; } = "onnxruntime_profile_";

    /// <summary>Options with CUDA first; what it cannot run falls to the CPU.</summary>
    public static SessionOptions MakeSessionOptionWithCudaProvider(int deviceId = 0) =>
        Made(options => options.AppendExecutionProvider_CUDA(deviceId));

    /// <inheritdoc cref="MakeSessionOptionWithCudaProvider(int)"/>
    public static SessionOptions MakeSessionOptionWithCudaProvider(OrtCUDAProviderOptions cudaProviderOptions) =>
        Made(options => options.AppendExecutionProvider_CUDA(cudaProviderOptions));

    /// <summary>Has sessions run on the environment's thread pools, which must have been given with its creation.</summary>
    public void DisablePerSessionThreads() => this.Call(Api->DisablePerSessionThreads);

    /// <summary>Sets one of the options known by key only, see <c>onnxruntime_session_options_config_keys.h</c>.</summary>
    public void AddSessionConfigEntry(string configKey, string configValue) => this.Call(Api->AddSessionConfigEntry, configKey, configValue);

    /// <summary>Fixes a symbolic dimension of the model, which lets it be optimised for that size.</summary>
    public void AddFreeDimensionOverrideByName(string dimName, long dimValue)
    {
        using var self = new Borrowed(this);
        using var name = new Utf8(dimName);
        Check(Api->AddFreeDimensionOverrideByName(self.Pointer, name.Pointer, dimValue));
    }

    /// <summary>Appends the CPU provider, which every session has last anyway.</summary>
    public void AppendExecutionProvider_CPU(int useArena = 1) => Append("OrtSessionOptionsAppendExecutionProvider_CPU", useArena);

    /// <exception cref="OnnxRuntimeException">The CUDA provider library or the driver is not there.</exception>
    public void AppendExecutionProvider_CUDA(int deviceId = 0) => Append("OrtSessionOptionsAppendExecutionProvider_CUDA", deviceId);

    public void AppendExecutionProvider_CUDA(OrtCUDAProviderOptions cudaProviderOptions) =>
        this.Call(Api->SessionOptionsAppendExecutionProvider_CUDA_V2, cudaProviderOptions);

    /// <summary>Appends a provider that has no method of its own, like <c>XNNPACK</c> or <c>WebGPU</c>.</summary>
    /// <exception cref="OnnxRuntimeException">The library was built without it.</exception>
    public void AppendExecutionProvider(string providerName, Dictionary<string, string>? providerOptions = null) =>
        Calls.WithPairs(providerOptions ?? [], (keys, values, count) =>
        {
            using var self = new Borrowed(this);
            using var name = new Utf8(providerName);
            Check(Api->SessionOptionsAppendExecutionProvider(self.Pointer, name.Pointer, (byte**)keys, (byte**)values, count));
        });

    protected override bool ReleaseHandle() => Calls.Release(Api->ReleaseSessionOptions, handle);

    // The providers of the first releases are exported by name, outside the table.
    private void Append(string export, int argument) => this.Call((delegate* unmanaged<nint, int, nint>)Export(export), argument);

    private static SessionOptions Made(Action<SessionOptions> append)
    {
        var options = new SessionOptions();
        try
        {
            append(options);
            return options;
        }
        catch
        {
            options.Dispose();
            throw;
        }
    }
}
