using System.Runtime.CompilerServices;
using Microsoft.ML.OnnxRuntime;

namespace Tests.Offline.OnnxRuntime;

/// <summary>The models that make_models.py wrote.</summary>
internal static class Model
{
    public static InferenceSession Open(string name) => new(PathOf(name));

    public static string PathOf(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Models", name + ".onnx");
}
