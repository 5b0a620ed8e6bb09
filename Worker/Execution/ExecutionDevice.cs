using System.Globalization;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using SessionOptions = Microsoft.ML.OnnxRuntime.SessionOptions;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Where this worker computes, decided once at start.</summary>
internal sealed partial class ExecutionDevice
{
    private const string Cuda = "CUDAExecutionProvider";
    private const string Cpu = "CPUExecutionProvider";

    private readonly WorkerOptions _options;

    public ExecutionDevice(IOptions<WorkerOptions> options, ILogger<ExecutionDevice> logger)
    {
        _options = options.Value;
        var available = OrtEnv.Instance().GetAvailableProviders();
        var reason = _options.Device switch
        {
            "cpu" => "the configuration says so",
            "auto" when !HasGpu => "this machine has no NVIDIA GPU",
            _ => CudaProblem(available),
        };
        if (reason is null)
        {
            (Provider, Name) = (Cuda, $"cuda:{_options.DeviceId}");
        }
        else if (_options.Device == "cuda")
        {
            throw new InvalidOperationException($"Worker:Device is cuda, but CUDA can't be used: {reason}");
        }
        else
        {
            (Provider, Name) = (Cpu, "cpu");
            FellBack = _options.Device == "auto" && HasGpu;
        }

        if (FellBack)
        {
            LogFallback(logger, reason!);
        }
        else
        {
            LogDevice(logger, Name, Provider, OnnxRuntime, reason ?? "CUDA is present");
        }
    }

    /// <summary>Version of ONNX Runtime.</summary>
    public static string OnnxRuntime { get; } = OrtEnv.Instance().GetVersionString();

    /// <summary><c>cpu</c> or <c>cuda:0</c>.</summary>
    public string Name { get; }

    /// <summary>ONNX Runtime's name of the execution provider.</summary>
    public string Provider { get; }

    /// <summary>Whether this machine has an NVIDIA GPU that is not used because CUDA failed.</summary>
    public bool FellBack { get; }

    /// <summary>Whether runs bind their values, so that copies between the process and the device are made once and awaited once.</summary>
    public bool BindsValues => Provider == Cuda;

    /// <summary>Runs of one model version that overlap where nothing else is said: on the CPU, one for each core that a run uses.</summary>
    public int DefaultInstances => _options.Instances > 0 ? _options.Instances
        : Provider == Cuda || _options.IntraOpThreads == 0 ? 1
        : Math.Clamp(Environment.ProcessorCount / _options.IntraOpThreads, 1, 16);

    /// <summary>Options for a session on this device; the caller disposes them.</summary>
    public SessionOptions CreateSessionOptions()
    {
        var session = new SessionOptions
        {
            IntraOpNumThreads = _options.IntraOpThreads,
            InterOpNumThreads = 1,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
        };

        // Idle threads that spin take the cores that HTTP, JSON and the other sessions need.
        session.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        if (Provider == Cuda)
        {
            using var cuda = new OrtCUDAProviderOptions();
            cuda.UpdateOptions(CudaSettings(_options));
            session.AppendExecutionProvider_CUDA(cuda);
        }

        return session;
    }

    /// <summary>What the CUDA provider is told, by ONNX Runtime's keys.</summary>
    internal static Dictionary<string, string> CudaSettings(WorkerOptions options)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["device_id"] = options.DeviceId.ToString(CultureInfo.InvariantCulture),

            // By default the arena doubles with each growth, which leaves less for the other models of this worker.
            ["arena_extend_strategy"] = "kSameAsRequested",

            // By default each new shape of a convolution is timed with every algorithm, which a varying batch size makes costly.
            ["cudnn_conv_algo_search"] = "HEURISTIC",
        };
        if (options.GpuMemoryLimit > 0)
        {
            settings["gpu_mem_limit"] = options.GpuMemoryLimit.ToString(CultureInfo.InvariantCulture);
        }

        return settings;
    }

    // The driver's device on Linux, its library on Windows. Without them the CPU is no fallback but all there is.
    private static bool HasGpu =>
        File.Exists("/dev/nvidiactl") || File.Exists(Path.Combine(Environment.SystemDirectory, "nvcuda.dll"));

    private string? CudaProblem(string[] available)
    {
        if (Array.IndexOf(available, Cuda) < 0)
        {
            return "this build of ONNX Runtime has no CUDA";
        }

        try
        {
            using var session = new SessionOptions();
            session.AppendExecutionProvider_CUDA(_options.DeviceId);
            return null;
        }
        catch (OnnxRuntimeException exception)
        {
            return exception.Message;
        }
    }

    [LoggerMessage(LogLevel.Information, "Computing on {Device} ({Provider}, ONNX Runtime {Version}): {Reason}")]
    private static partial void LogDevice(ILogger logger, string device, string provider, string version, string reason);

    [LoggerMessage(LogLevel.Warning, "CUDA could not be used, computing on the CPU instead, which may be much slower: {Reason}")]
    private static partial void LogFallback(ILogger logger, string reason);
}
