namespace Microsoft.ML.OnnxRuntime;

/// <summary>An error of the native library, or a misuse that is found before it is called.</summary>
public class OnnxRuntimeException : Exception
{
    internal OnnxRuntimeException(OrtErrorCode code, string message) : base($"[ErrorCode:{code}] {message}")
    {
    }
}

/// <summary>The codes of the C API, from 0 on.</summary>
internal enum OrtErrorCode
{
    Ok, Fail, InvalidArgument, NoSuchFile, NoModel, EngineError, RuntimeException, InvalidProtobuf, ModelLoaded, NotImplemented,
    InvalidGraph, ShapeInferenceNotRegistered, RequirementNotRegistered, ModelLoadCanceled, ModelRequiresCompilation, NotFound,
}
