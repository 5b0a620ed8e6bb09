using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>How one run, or several, are to be done.</summary>
public unsafe class RunOptions : SafeHandle
{
    public RunOptions() : base(0, ownsHandle: true) => Check(Api->CreateRunOptions(out handle));

    public override bool IsInvalid => handle == 0;

    /// <summary>
    /// Set from another thread, makes the runs that use this object fail before their next operator; those that start later fail at
    /// once, until it is unset.
    /// </summary>
    public bool Terminate
    {
        get;
        set => this.Call((field = value) ? Api->RunOptionsSetTerminate : Api->RunOptionsUnsetTerminate);
    }

    /// <summary>The least severity that the run logs.</summary>
    public OrtLoggingLevel LogSeverityLevel
    {
        get;
        set => field = (OrtLoggingLevel)this.Call(Api->RunOptionsSetRunLogSeverityLevel, (int)value);
    } = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;

    /// <summary>How much is told where <see cref="LogSeverityLevel"/> is verbose.</summary>
    public int LogVerbosityLevel { get; set => field = this.Call(Api->RunOptionsSetRunLogVerbosityLevel, value); }

    /// <summary>Names the run in log lines.</summary>
    public string LogId { get; set => field = this.Call(Api->RunOptionsSetRunTag, value); } = "";

    /// <summary>Sets one of the options known by key only, see <c>onnxruntime_run_options_config_keys.h</c>.</summary>
    public void AddRunConfigEntry(string configKey, string configValue) => this.Call(Api->AddRunConfigEntry, configKey, configValue);

    protected override bool ReleaseHandle() => Calls.Release(Api->ReleaseRunOptions, handle);
}
