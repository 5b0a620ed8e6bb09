using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;

namespace Tests.Offline.OnnxRuntime;

/// <summary>A process has one environment; these tests make it anew, so they run by themselves.</summary>
[CollectionDefinition("OnnxRuntime environment", DisableParallelization = true)]
[Collection("OnnxRuntime environment")]
public sealed class EnvironmentTests
{
    [Fact]
    public void Environment_tells_what_the_library_is()
    {
        var env = OrtEnv.Instance();

        Assert.Same(env, OrtEnv.Instance());
        Assert.Equal("1.30.0", env.GetVersionString());
        Assert.Contains("CPUExecutionProvider", env.GetAvailableProviders());
        env.DisableTelemetryEvents();
        Assert.Equal("1", NoTelemetry.Seen());
    }

    [Fact]
    public void Environment_logs_where_it_is_told_from_the_level_it_is_told()
    {
        OrtEnv.Instance().Dispose();
        Assert.False(OrtEnv.IsCreated);
        var lines = new ConcurrentQueue<(IntPtr Param, OrtLoggingLevel Severity, string LogId, string Message)>();
        var creation = new EnvironmentCreationOptions
        {
            logId = "the-worker",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING,
            loggingParam = 42,
            loggingFunction = (param, severity, _, logId, _, message) =>
            {
                lines.Enqueue((param, severity, logId, message));
                throw new InvalidOperationException("A logger's fault must not reach the library.");
            },
        };
        try
        {
            var env = OrtEnv.CreateInstanceWithOptions(ref creation);
            Assert.True(OrtEnv.IsCreated);
            Assert.Throws<OnnxRuntimeException>(() => OrtEnv.CreateInstanceWithOptions(ref creation));

            using (Model.Open("matmul"))
                Assert.Empty(lines);

            env.EnvLogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_INFO;
            Assert.Equal(OrtLoggingLevel.ORT_LOGGING_LEVEL_INFO, env.EnvLogLevel);
            using (var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_INFO, LogId = "digits" })
            using (new InferenceSession(Model.PathOf("matmul"), options))
            {
                Assert.NotEmpty(lines);
                Assert.All(lines, line => Assert.Equal((42, OrtLoggingLevel.ORT_LOGGING_LEVEL_INFO), (line.Param, line.Severity)));
                Assert.Contains(lines, line => line.LogId.Contains("digits") && line.Message.Length > 0);
            }

            using (var session = Model.Open("reshape"))
            using (var run = new RunOptions { LogId = "request-7", LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL })
            using (var x = OrtValue.CreateTensorValueFromMemory(new float[5], [5]))
            using (var shape = OrtValue.CreateTensorValueFromMemory(new long[] { 2, 3 }, [2]))
            {
                lines.Clear();
                Assert.Throws<OnnxRuntimeException>(() => session.Run(run, ["x", "shape"], [x, shape], ["y"]));
                Assert.DoesNotContain(lines, line => line.Severity >= OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);

                run.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR;
                Assert.Throws<OnnxRuntimeException>(() => session.Run(run, ["x", "shape"], [x, shape], ["y"]));
                Assert.Contains(lines, line => line.Severity == OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR && line.Message.Contains("Reshape"));
                Assert.Contains(lines, line => line.Message.Contains("request-7"));
                Assert.Equal(("request-7", OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR), (run.LogId, run.LogSeverityLevel));
            }
        }
        finally
        {
            OrtEnv.Instance().Dispose();
        }
    }

    [Fact]
    public void Sessions_share_the_environments_threads_where_they_are_told_to()
    {
        using var alone = new SessionOptions();
        alone.DisablePerSessionThreads();
        Assert.Contains("thread", Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(Model.PathOf("matmul"), alone)).Message);

        OrtEnv.Instance().Dispose();
        using var threads = new OrtThreadingOptions { GlobalIntraOpNumThreads = 2, GlobalInterOpNumThreads = 1, GlobalSpinControl = false };
        threads.SetGlobalDenormalAsZero();
        var creation = new EnvironmentCreationOptions { threadOptions = threads };
        try
        {
            OrtEnv.CreateInstanceWithOptions(ref creation);
            using var options = new SessionOptions();
            options.DisablePerSessionThreads();
            using var session = new InferenceSession(Model.PathOf("matmul"), options);
            using var x = OrtValue.CreateTensorValueFromMemory([1f, 0, 0, 0], [1, 4]);
            using var outputs = session.Run(null, ["x"], [x], ["y"]);
            Assert.Equal([1, 10, 100], outputs[0].GetTensorDataAsSpan<float>());
        }
        finally
        {
            OrtEnv.Instance().Dispose();
        }
    }
}
