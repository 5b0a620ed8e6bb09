namespace InferenceTemplate.Bench.Models;

/// <summary>The benchmark's models in a folder of the form that the worker serves.</summary>
internal sealed class ModelFolder : IDisposable
{
    private const int HeavyWidth = 2048;
    private const int HeavyLayers = 4;

    public ModelFolder()
    {
        Digits = Add("digits", "image", "probabilities", [1, 8, 8], File.ReadAllBytes(
            System.IO.Path.Combine(AppContext.BaseDirectory, "models", "digits", "1", "model.onnx")));
        Tiny = Add("tiny", "x", "y", [1, 784], Mlp(784, 128, 64, 10));
        Heavy = Add("heavy", "x", "y", [1, HeavyWidth], Mlp([.. Enumerable.Repeat(HeavyWidth, HeavyLayers + 1)]));
        Convnet = Add("convnet", "x", "y", [1, 3, 32, 32], Convolutions(32, 32, 64, stride: 1));
        Large = Add("large", "x", "y", [1, 3, 224, 224], Convolutions(224, 8, 16, stride: 4));
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("inference-bench-models-").FullName;

    /// <summary>The product's sample: 8x8 pixels, 64 numbers.</summary>
    public BenchModel Digits { get; }

    /// <summary>A classifier of 28x28 pixels: 784 numbers, tens of microseconds of work.</summary>
    public BenchModel Tiny { get; }

    /// <summary>Four layers of 2048x2048: 67 MB of weights that each run reads, so the batch shares what costs.</summary>
    public BenchModel Heavy { get; }

    /// <summary>Convolutions over 32x32 pixels: bound by arithmetic, so a batch shares little.</summary>
    public BenchModel Convnet { get; }

    /// <summary>224x224 pixels of three colors: 150,528 numbers, and little to compute.</summary>
    public BenchModel Large { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static byte[] Mlp(params int[] widths)
    {
        using var onnx = new OnnxWriter(seed: 1);
        onnx.Input("x", -1, widths[0]);
        onnx.Output("y", -1, widths[^1]);
        var from = "x";
        for (var i = 1; i < widths.Length; i++)
        {
            onnx.Node("MatMul", [from, onnx.Weights($"w{i}", widths[i - 1], widths[i])], $"m{i}");
            var last = i == widths.Length - 1;
            onnx.Node(last ? "Softmax" : "Relu", [$"m{i}"], last ? "y" : $"r{i}");
            from = $"r{i}";
        }

        return onnx.ToFile();
    }

    private static byte[] Convolutions(int size, int first, int second, int stride)
    {
        using var onnx = new OnnxWriter(seed: 2);
        onnx.Input("x", -1, 3, size, size);
        onnx.Output("y", -1, 10);
        onnx.Node("Conv", ["x", onnx.Weights("k1", first, 3, 3, 3)], "c1", ("pads", [1, 1, 1, 1]), ("strides", [stride, stride]));
        onnx.Node("Relu", ["c1"], "r1");
        onnx.Node("Conv", ["r1", onnx.Weights("k2", second, first, 3, 3)], "c2", ("pads", [1, 1, 1, 1]), ("strides", [1, 1]));
        onnx.Node("Relu", ["c2"], "r2");
        onnx.Node("Conv", ["r2", onnx.Weights("k3", second, second, 3, 3)], "c3", ("pads", [1, 1, 1, 1]), ("strides", [2, 2]));
        onnx.Node("Relu", ["c3"], "r3");
        onnx.Node("GlobalAveragePool", ["r3"], "p");
        onnx.Node("Flatten", ["p"], "f");
        onnx.Node("MatMul", ["f", onnx.Weights("w", second, 10)], "m");
        onnx.Node("Softmax", ["m"], "y");
        return onnx.ToFile();
    }

    private BenchModel Add(string name, string input, string output, long[] shape, byte[] content)
    {
        var folder = Directory.CreateDirectory(System.IO.Path.Combine(Path, name, "1")).FullName;
        var path = System.IO.Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, content);
        return new BenchModel(name, input, output, shape, path);
    }
}
