namespace Microsoft.ML.OnnxRuntime;

/// <summary>From the most to the least talkative.</summary>
public enum OrtLoggingLevel
{
    ORT_LOGGING_LEVEL_VERBOSE = 0,
    ORT_LOGGING_LEVEL_INFO = 1,
    ORT_LOGGING_LEVEL_WARNING = 2,
    ORT_LOGGING_LEVEL_ERROR = 3,
    ORT_LOGGING_LEVEL_FATAL = 4,
}

/// <summary>Receives the library's log, from any thread.</summary>
public delegate void DOrtLoggingFunction(
    IntPtr param, OrtLoggingLevel severity, string category, string logId, string codeLocation, string message);

/// <summary>
/// What can be chosen before the environment exists: a name for log lines, their least severity (default warning), and where they go
/// (default standard error). Thread options make pools that every session with
/// <see cref="SessionOptions.DisablePerSessionThreads"/> shares.
/// </summary>
public struct EnvironmentCreationOptions
{
    public string? logId;
    public OrtLoggingLevel? logLevel;
    public OrtThreadingOptions? threadOptions;
    public IntPtr? loggingParam;
    public DOrtLoggingFunction? loggingFunction;
}
