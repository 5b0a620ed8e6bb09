namespace Microsoft.ML.OnnxRuntime;

/// <summary>Receives the library's log, from any thread.</summary>
public delegate void DOrtLoggingFunction(
    IntPtr param, OrtLoggingLevel severity, string category, string logId, string codeLocation, string message);

/// <summary>What can be chosen before the environment exists. Unset fields mean the defaults.</summary>
public struct EnvironmentCreationOptions
{
    /// <summary>Names the application in log lines.</summary>
    public string? logId;

    /// <summary>The least severity that is logged; default warning.</summary>
    public OrtLoggingLevel? logLevel;

    /// <summary>Passed through to <see cref="loggingFunction"/>.</summary>
    public IntPtr? loggingParam;

    /// <summary>Where log lines go; default standard error.</summary>
    public DOrtLoggingFunction? loggingFunction;
}
