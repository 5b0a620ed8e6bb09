using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;

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
    private static readonly OrtApi* Api = OrtLibrary.Api;

    /// <summary>All defaults, on the CPU.</summary>
    public SessionOptions() : base(0, ownsHandle: true)
    {
        OrtEnv.Instance(); // It must outlive every session.
        OrtLibrary.Check(Api->CreateSessionOptions(out handle));
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Threads within one operator; 0 means as many as there are physical cores, 1 none but the caller's.</summary>
    public int IntraOpNumThreads { get; set => field = Set(Api->SetIntraOpNumThreads, value); }

    /// <summary>Threads across operators, in <see cref="ExecutionMode.ORT_PARALLEL"/> only; 0 leaves the choice to the library.</summary>
    public int InterOpNumThreads { get; set => field = Set(Api->SetInterOpNumThreads, value); }

    /// <summary>Default: all.</summary>
    public GraphOptimizationLevel GraphOptimizationLevel
    {
        get;
        set => field = (GraphOptimizationLevel)Set(Api->SetSessionGraphOptimizationLevel, (int)value);
    } = GraphOptimizationLevel.ORT_ENABLE_ALL;

    /// <summary>Default: sequential.</summary>
    public ExecutionMode ExecutionMode { get; set => field = (ExecutionMode)Set(Api->SetSessionExecutionMode, (int)value); }

    /// <summary>Whether memory of a run with the same input shapes is planned ahead. Default true.</summary>
    public bool EnableMemoryPattern { get; set => field = Switch(value, Api->EnableMemPattern, Api->DisableMemPattern); } = true;

    /// <summary>Whether CPU memory is kept in an arena rather than returned after each run. Default true.</summary>
    public bool EnableCpuMemArena { get; set => field = Switch(value, Api->EnableCpuMemArena, Api->DisableCpuMemArena); } = true;

    /// <summary>The least severity that the session logs. Default warning.</summary>
    public OrtLoggingLevel LogSeverityLevel
    {
        get;
        set => field = (OrtLoggingLevel)Set(Api->SetSessionLogSeverityLevel, (int)value);
    } = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;

    /// <summary>Names the session in log lines.</summary>
    public string LogId
    {
        get;
        set
        {
            using var self = new Borrowed(this);
            using var id = new Utf8(value);
            OrtLibrary.Check(Api->SetSessionLogId(self.Pointer, id.Pointer));
            field = value;
        }
    } = "";

    /// <summary>Options with CUDA first; what it cannot run falls to the CPU.</summary>
    public static SessionOptions MakeSessionOptionWithCudaProvider(int deviceId = 0) =>
        Make(options => options.AppendExecutionProvider_CUDA(deviceId));

    /// <inheritdoc cref="MakeSessionOptionWithCudaProvider(int)"/>
    public static SessionOptions MakeSessionOptionWithCudaProvider(OrtCUDAProviderOptions cudaProviderOptions) =>
        Make(options => options.AppendExecutionProvider_CUDA(cudaProviderOptions));

    /// <summary>Sets one of the options known by key only, see <c>onnxruntime_session_options_config_keys.h</c>.</summary>
    public void AddSessionConfigEntry(string configKey, string configValue)
    {
        using var self = new Borrowed(this);
        using var key = new Utf8(configKey);
        using var value = new Utf8(configValue);
        OrtLibrary.Check(Api->AddSessionConfigEntry(self.Pointer, key.Pointer, value.Pointer));
    }

    /// <summary>Fixes a symbolic dimension of the model, which lets it be optimised for that size.</summary>
    public void AddFreeDimensionOverrideByName(string dimName, long dimValue)
    {
        using var self = new Borrowed(this);
        using var name = new Utf8(dimName);
        OrtLibrary.Check(Api->AddFreeDimensionOverrideByName(self.Pointer, name.Pointer, dimValue));
    }

    /// <summary>Appends the CPU provider, which every session has last anyway.</summary>
    public void AppendExecutionProvider_CPU(int useArena = 1) => Append("OrtSessionOptionsAppendExecutionProvider_CPU", useArena);

    /// <exception cref="OnnxRuntimeException">The CUDA provider library or the driver is not there.</exception>
    public void AppendExecutionProvider_CUDA(int deviceId = 0) => Append("OrtSessionOptionsAppendExecutionProvider_CUDA", deviceId);

    /// <inheritdoc cref="AppendExecutionProvider_CUDA(int)"/>
    public void AppendExecutionProvider_CUDA(OrtCUDAProviderOptions cudaProviderOptions)
    {
        using var self = new Borrowed(this);
        using var cuda = new Borrowed(cudaProviderOptions);
        OrtLibrary.Check(Api->SessionOptionsAppendExecutionProvider_CUDA_V2(self.Pointer, cuda.Pointer));
    }

    /// <summary>Appends a provider that has no method of its own, like <c>XNNPACK</c> or <c>WebGPU</c>.</summary>
    /// <exception cref="OnnxRuntimeException">The library was built without it.</exception>
    public void AppendExecutionProvider(string providerName, Dictionary<string, string>? providerOptions = null)
    {
        using var self = new Borrowed(this);
        using var name = new Utf8(providerName);
        using var pairs = new Utf8Pairs(providerOptions ?? []);
        fixed (nint* keys = pairs.Keys, values = pairs.Values)
        {
            OrtLibrary.Check(Api->SessionOptionsAppendExecutionProvider(
                self.Pointer, name.Pointer, (byte**)keys, (byte**)values, pairs.Count));
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Api->ReleaseSessionOptions(handle);
        return true;
    }

    private static SessionOptions Make(Action<SessionOptions> configure)
    {
        var options = new SessionOptions();
        try
        {
            configure(options);
            return options;
        }
        catch
        {
            options.Dispose();
            throw;
        }
    }

    private int Set(delegate* unmanaged<nint, int, nint> function, int value)
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(function(self.Pointer, value));
        return value;
    }

    private bool Switch(bool on, delegate* unmanaged<nint, nint> enable, delegate* unmanaged<nint, nint> disable)
    {
        using var self = new Borrowed(this);
        OrtLibrary.Check(on ? enable(self.Pointer) : disable(self.Pointer));
        return on;
    }

    // The providers of the first releases are exported by name, outside the table.
    private void Append(string export, int argument) =>
        Set((delegate* unmanaged<nint, int, nint>)OrtLibrary.Export(export), argument);
}
