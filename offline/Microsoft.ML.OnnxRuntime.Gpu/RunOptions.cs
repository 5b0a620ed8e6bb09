using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>How one run, or several, are to be done.</summary>
public unsafe class RunOptions : SafeHandle
{
    /// <summary>All defaults.</summary>
    public RunOptions() : base(0, ownsHandle: true) => OrtLibrary.Check(OrtLibrary.Api->CreateRunOptions(out handle));

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>
    /// Set from another thread, makes the runs that use this object fail before their next operator; those that start later fail at
    /// once, until it is unset.
    /// </summary>
    public bool Terminate
    {
        get;
        set
        {
            using var self = new Borrowed(this);
            OrtLibrary.Check(value
                ? OrtLibrary.Api->RunOptionsSetTerminate(self.Pointer)
                : OrtLibrary.Api->RunOptionsUnsetTerminate(self.Pointer));
            field = value;
        }
    }

    /// <summary>The least severity that the run logs. Default warning.</summary>
    public OrtLoggingLevel LogSeverityLevel
    {
        get;
        set
        {
            using var self = new Borrowed(this);
            OrtLibrary.Check(OrtLibrary.Api->RunOptionsSetRunLogSeverityLevel(self.Pointer, (int)value));
            field = value;
        }
    } = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING;

    /// <summary>Names the run in log lines.</summary>
    public string LogId
    {
        get;
        set
        {
            using var self = new Borrowed(this);
            using var id = new Utf8(value);
            OrtLibrary.Check(OrtLibrary.Api->RunOptionsSetRunTag(self.Pointer, id.Pointer));
            field = value;
        }
    } = "";

    /// <summary>Sets one of the options known by key only, see <c>onnxruntime_run_options_config_keys.h</c>.</summary>
    public void AddRunConfigEntry(string configKey, string configValue)
    {
        using var self = new Borrowed(this);
        using var key = new Utf8(configKey);
        using var value = new Utf8(configValue);
        OrtLibrary.Check(OrtLibrary.Api->AddRunConfigEntry(self.Pointer, key.Pointer, value.Pointer));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        OrtLibrary.Api->ReleaseRunOptions(handle);
        return true;
    }
}
