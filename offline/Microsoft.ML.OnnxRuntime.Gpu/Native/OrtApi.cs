using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>
/// The function table that <c>OrtApiBase::GetApi</c> returns: one field for each function used here, at its slot in
/// <c>onnxruntime_c_api.h</c>. Slots only ever grow at the end, so a slot number is good for every later release.
/// Functions whose type ends in <c>nint</c> return an <c>OrtStatus*</c>: null, or an error that the caller owns.
/// </summary>
[StructLayout(LayoutKind.Explicit)]
internal readonly unsafe struct OrtApi
{
    /// <summary>The first API version (ONNX Runtime 1.16) whose table has every slot below.</summary>
    public const uint Version = 16;

    private const int Slot = 8;

#pragma warning disable CS0649 // The fields are memory of the native library.

    // Status
    [FieldOffset(1 * Slot)] public readonly delegate* unmanaged<nint, int> GetErrorCode;
    [FieldOffset(2 * Slot)] public readonly delegate* unmanaged<nint, byte*> GetErrorMessage;
    [FieldOffset(93 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseStatus;

    // Environment
    [FieldOffset(3 * Slot)] public readonly delegate* unmanaged<int, byte*, out nint, nint> CreateEnv;
    [FieldOffset(4 * Slot)] public readonly delegate* unmanaged<delegate* unmanaged<nint, int, byte*, byte*, byte*, byte*, void>, nint, int, byte*, out nint, nint> CreateEnvWithCustomLogger;
    [FieldOffset(6 * Slot)] public readonly delegate* unmanaged<nint, nint> DisableTelemetryEvents;
    [FieldOffset(92 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseEnv;
    [FieldOffset(119 * Slot)] public readonly delegate* unmanaged<int, byte*, nint, out nint, nint> CreateEnvWithGlobalThreadPools;
    [FieldOffset(125 * Slot)] public readonly delegate* unmanaged<out byte**, out int, nint> GetAvailableProviders;
    [FieldOffset(126 * Slot)] public readonly delegate* unmanaged<byte**, int, nint> ReleaseAvailableProviders;
    [FieldOffset(145 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetLanguageProjection;
    [FieldOffset(151 * Slot)] public readonly delegate* unmanaged<delegate* unmanaged<nint, int, byte*, byte*, byte*, byte*, void>, nint, int, byte*, nint, out nint, nint> CreateEnvWithCustomLoggerAndGlobalThreadPools;
    [FieldOffset(226 * Slot)] public readonly delegate* unmanaged<nint, int, nint> UpdateEnvWithCustomLogLevel;

    // Thread pools that all sessions share
    [FieldOffset(121 * Slot)] public readonly delegate* unmanaged<out nint, nint> CreateThreadingOptions;
    [FieldOffset(122 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseThreadingOptions;
    [FieldOffset(147 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetGlobalIntraOpNumThreads;
    [FieldOffset(148 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetGlobalInterOpNumThreads;
    [FieldOffset(149 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetGlobalSpinControl;
    [FieldOffset(155 * Slot)] public readonly delegate* unmanaged<nint, nint> SetGlobalDenormalAsZero;

    // Session options
    [FieldOffset(10 * Slot)] public readonly delegate* unmanaged<out nint, nint> CreateSessionOptions;
    [FieldOffset(11 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint> SetOptimizedModelFilePath;
    [FieldOffset(13 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetSessionExecutionMode;
    [FieldOffset(14 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint> EnableProfiling;
    [FieldOffset(15 * Slot)] public readonly delegate* unmanaged<nint, nint> DisableProfiling;
    [FieldOffset(16 * Slot)] public readonly delegate* unmanaged<nint, nint> EnableMemPattern;
    [FieldOffset(17 * Slot)] public readonly delegate* unmanaged<nint, nint> DisableMemPattern;
    [FieldOffset(18 * Slot)] public readonly delegate* unmanaged<nint, nint> EnableCpuMemArena;
    [FieldOffset(19 * Slot)] public readonly delegate* unmanaged<nint, nint> DisableCpuMemArena;
    [FieldOffset(20 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint> SetSessionLogId;
    [FieldOffset(21 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetSessionLogVerbosityLevel;
    [FieldOffset(22 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetSessionLogSeverityLevel;
    [FieldOffset(23 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetSessionGraphOptimizationLevel;
    [FieldOffset(24 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetIntraOpNumThreads;
    [FieldOffset(25 * Slot)] public readonly delegate* unmanaged<nint, int, nint> SetInterOpNumThreads;
    [FieldOffset(100 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseSessionOptions;
    [FieldOffset(120 * Slot)] public readonly delegate* unmanaged<nint, nint> DisablePerSessionThreads;
    [FieldOffset(124 * Slot)] public readonly delegate* unmanaged<nint, byte*, long, nint> AddFreeDimensionOverrideByName;
    [FieldOffset(130 * Slot)] public readonly delegate* unmanaged<nint, byte*, byte*, nint> AddSessionConfigEntry;
    [FieldOffset(216 * Slot)] public readonly delegate* unmanaged<nint, byte*, byte**, byte**, nuint, nint> SessionOptionsAppendExecutionProvider;

    // CUDA provider options
    [FieldOffset(204 * Slot)] public readonly delegate* unmanaged<nint, nint, nint> SessionOptionsAppendExecutionProvider_CUDA_V2;
    [FieldOffset(205 * Slot)] public readonly delegate* unmanaged<out nint, nint> CreateCUDAProviderOptions;
    [FieldOffset(206 * Slot)] public readonly delegate* unmanaged<nint, byte**, byte**, nuint, nint> UpdateCUDAProviderOptions;
    [FieldOffset(207 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte*, nint> GetCUDAProviderOptionsAsString;
    [FieldOffset(208 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseCUDAProviderOptions;

    // Session
    [FieldOffset(7 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint, out nint, nint> CreateSession;
    [FieldOffset(8 * Slot)] public readonly delegate* unmanaged<nint, byte*, nuint, nint, out nint, nint> CreateSessionFromArray;
    [FieldOffset(9 * Slot)] public readonly delegate* unmanaged<nint, nint, nint*, nint*, nuint, nint*, nuint, nint*, nint> Run;
    [FieldOffset(30 * Slot)] public readonly delegate* unmanaged<nint, out nuint, nint> SessionGetInputCount;
    [FieldOffset(31 * Slot)] public readonly delegate* unmanaged<nint, out nuint, nint> SessionGetOutputCount;
    [FieldOffset(33 * Slot)] public readonly delegate* unmanaged<nint, nuint, out nint, nint> SessionGetInputTypeInfo;
    [FieldOffset(34 * Slot)] public readonly delegate* unmanaged<nint, nuint, out nint, nint> SessionGetOutputTypeInfo;
    [FieldOffset(36 * Slot)] public readonly delegate* unmanaged<nint, nuint, nint, out byte*, nint> SessionGetInputName;
    [FieldOffset(37 * Slot)] public readonly delegate* unmanaged<nint, nuint, nint, out byte*, nint> SessionGetOutputName;
    [FieldOffset(110 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte*, nint> SessionEndProfiling;
    [FieldOffset(260 * Slot)] public readonly delegate* unmanaged<nint, nint, nint*, nint*, nuint, nint*, nuint, nint*, delegate* unmanaged<nint, nint*, nuint, nint, void>, nint, nint> RunAsync;
    [FieldOffset(95 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseSession;

    // Model metadata
    [FieldOffset(111 * Slot)] public readonly delegate* unmanaged<nint, out nint, nint> SessionGetModelMetadata;
    [FieldOffset(112 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte*, nint> ModelMetadataGetProducerName;
    [FieldOffset(113 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte*, nint> ModelMetadataGetGraphName;
    [FieldOffset(114 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte*, nint> ModelMetadataGetDomain;
    [FieldOffset(115 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte*, nint> ModelMetadataGetDescription;
    [FieldOffset(116 * Slot)] public readonly delegate* unmanaged<nint, nint, byte*, out byte*, nint> ModelMetadataLookupCustomMetadataMap;
    [FieldOffset(117 * Slot)] public readonly delegate* unmanaged<nint, out long, nint> ModelMetadataGetVersion;
    [FieldOffset(118 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseModelMetadata;
    [FieldOffset(123 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte**, out long, nint> ModelMetadataGetCustomMetadataMapKeys;

    // Run options
    [FieldOffset(39 * Slot)] public readonly delegate* unmanaged<out nint, nint> CreateRunOptions;
    [FieldOffset(40 * Slot)] public readonly delegate* unmanaged<nint, int, nint> RunOptionsSetRunLogVerbosityLevel;
    [FieldOffset(41 * Slot)] public readonly delegate* unmanaged<nint, int, nint> RunOptionsSetRunLogSeverityLevel;
    [FieldOffset(42 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint> RunOptionsSetRunTag;
    [FieldOffset(46 * Slot)] public readonly delegate* unmanaged<nint, nint> RunOptionsSetTerminate;
    [FieldOffset(47 * Slot)] public readonly delegate* unmanaged<nint, nint> RunOptionsUnsetTerminate;
    [FieldOffset(97 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseRunOptions;
    [FieldOffset(165 * Slot)] public readonly delegate* unmanaged<nint, byte*, byte*, nint> AddRunConfigEntry;

    // Values
    [FieldOffset(48 * Slot)] public readonly delegate* unmanaged<nint, long*, nuint, int, out nint, nint> CreateTensorAsOrtValue;
    [FieldOffset(49 * Slot)] public readonly delegate* unmanaged<nint, void*, nuint, long*, nuint, int, out nint, nint> CreateTensorWithDataAsOrtValue;
    [FieldOffset(51 * Slot)] public readonly delegate* unmanaged<nint, out void*, nint> GetTensorMutableData;
    [FieldOffset(65 * Slot)] public readonly delegate* unmanaged<nint, out nint, nint> GetTensorTypeAndShape;
    [FieldOffset(67 * Slot)] public readonly delegate* unmanaged<nint, out int, nint> GetValueType;
    [FieldOffset(96 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseValue;
    [FieldOffset(127 * Slot)] public readonly delegate* unmanaged<nint, nuint, out nuint, nint> GetStringTensorElementLength;
    [FieldOffset(128 * Slot)] public readonly delegate* unmanaged<nint, nuint, nuint, void*, nint> GetStringTensorElement;
    [FieldOffset(194 * Slot)] public readonly delegate* unmanaged<nint, out nint, nint> GetTensorMemoryInfo;
    [FieldOffset(252 * Slot)] public readonly delegate* unmanaged<nint, nuint, nuint, out byte*, nint> GetResizedStringTensorElementBuffer;

    // Types and shapes
    [FieldOffset(55 * Slot)] public readonly delegate* unmanaged<nint, out nint, nint> CastTypeInfoToTensorInfo;
    [FieldOffset(56 * Slot)] public readonly delegate* unmanaged<nint, out int, nint> GetOnnxTypeFromTypeInfo;
    [FieldOffset(60 * Slot)] public readonly delegate* unmanaged<nint, out int, nint> GetTensorElementType;
    [FieldOffset(61 * Slot)] public readonly delegate* unmanaged<nint, out nuint, nint> GetDimensionsCount;
    [FieldOffset(62 * Slot)] public readonly delegate* unmanaged<nint, long*, nuint, nint> GetDimensions;
    [FieldOffset(63 * Slot)] public readonly delegate* unmanaged<nint, byte**, nuint, nint> GetSymbolicDimensions;
    [FieldOffset(98 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseTypeInfo;
    [FieldOffset(99 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseTensorTypeAndShapeInfo;

    // Memory
    [FieldOffset(68 * Slot)] public readonly delegate* unmanaged<byte*, int, int, int, out nint, nint> CreateMemoryInfo;
    [FieldOffset(70 * Slot)] public readonly delegate* unmanaged<nint, nint, out int, nint> CompareMemoryInfo;
    [FieldOffset(71 * Slot)] public readonly delegate* unmanaged<nint, out byte*, nint> MemoryInfoGetName;
    [FieldOffset(72 * Slot)] public readonly delegate* unmanaged<nint, out int, nint> MemoryInfoGetId;
    [FieldOffset(73 * Slot)] public readonly delegate* unmanaged<nint, out int, nint> MemoryInfoGetMemType;
    [FieldOffset(74 * Slot)] public readonly delegate* unmanaged<nint, out int, nint> MemoryInfoGetType;
    [FieldOffset(76 * Slot)] public readonly delegate* unmanaged<nint, void*, nint> AllocatorFree;
    [FieldOffset(78 * Slot)] public readonly delegate* unmanaged<out nint, nint> GetAllocatorWithDefaultOptions;
    [FieldOffset(94 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseMemoryInfo;
    [FieldOffset(131 * Slot)] public readonly delegate* unmanaged<nint, nint, out nint, nint> CreateAllocator;
    [FieldOffset(132 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseAllocator;

    // I/O binding
    [FieldOffset(133 * Slot)] public readonly delegate* unmanaged<nint, nint, nint, nint> RunWithBinding;
    [FieldOffset(134 * Slot)] public readonly delegate* unmanaged<nint, out nint, nint> CreateIoBinding;
    [FieldOffset(135 * Slot)] public readonly delegate* unmanaged<nint, void> ReleaseIoBinding;
    [FieldOffset(136 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint, nint> BindInput;
    [FieldOffset(137 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint, nint> BindOutput;
    [FieldOffset(138 * Slot)] public readonly delegate* unmanaged<nint, byte*, nint, nint> BindOutputToDevice;
    [FieldOffset(139 * Slot)] public readonly delegate* unmanaged<nint, nint, out byte*, out nuint*, out nuint, nint> GetBoundOutputNames;
    [FieldOffset(140 * Slot)] public readonly delegate* unmanaged<nint, nint, out nint*, out nuint, nint> GetBoundOutputValues;
    [FieldOffset(141 * Slot)] public readonly delegate* unmanaged<nint, void> ClearBoundInputs;
    [FieldOffset(142 * Slot)] public readonly delegate* unmanaged<nint, void> ClearBoundOutputs;
    [FieldOffset(202 * Slot)] public readonly delegate* unmanaged<nint, nint> SynchronizeBoundInputs;
    [FieldOffset(203 * Slot)] public readonly delegate* unmanaged<nint, nint> SynchronizeBoundOutputs;

#pragma warning restore CS0649
}
