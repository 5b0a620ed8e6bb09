using System.Text;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Text;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Tests.Worker.Images;

/// <summary>A folder with a model that takes images.</summary>
internal sealed class ImageModel : IDisposable
{
    public const string Settings = """{"layout": "nchw", "width": 4, "height": 3, "resize": "stretch", "scale": 1}""";

    public ImageModel(byte[] model, string settings = Settings, string? labels = null)
    {
        File.WriteAllBytes(Path.Combine(Folder, "model.onnx"), model);
        File.WriteAllText(Path.Combine(Folder, "image.json"), settings);
        if (labels is not null)
        {
            File.WriteAllText(Path.Combine(Folder, "labels.txt"), labels);
        }
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("image-model-").FullName;

    /// <summary>Answers what it was given.</summary>
    public static byte[] Echo(int type, params long[] shape) =>
        new OnnxModel().Input("image", type, shape).Output("pixels", type, shape).Node("Identity", ["image"], ["pixels"]).ToBytes();

    /// <summary>
    /// A convolution of 2 by 2 and two channels, the mean of each, and three scores. The first channel adds the reds of a window, the
    /// second takes the blue at its lower right from the green at its upper left.
    /// </summary>
    public static byte[] Small => new OnnxModel()
        .Input("image", OnnxModel.Float, -1, 3, -1, -1)
        .Output("scores", OnnxModel.Float, -1, 3)
        .Constant(
            "kernel", [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, -1], 2, 3, 2, 2)
        .Constant("weights", [1, 0, 0.5f, 0, 1, 0.25f], 2, 3)
        .Node("Conv", ["image", "kernel"], ["features"])
        .Node("GlobalAveragePool", ["features"], ["pooled"])
        .Node("Flatten", ["pooled"], ["flat"])
        .Node("MatMul", ["flat", "weights"], ["scores"])
        .ToBytes();

    public ModelSession Open(string name = "m", ImageLimits? limits = null)
    {
        var path = Path.Combine(Folder, "model.onnx");
        return ModelSession.Open(
            new ModelFile(name, "1", path), Execution.TestModels.Cpu, Preprocessors.Beside(path, limits ?? ImageLimits.Of(new())));
    }

    public static Tensor[] Request(params byte[][] files) => [TextModel.Request(files)[0] with { Name = "image" }];

    public static Tensor[] Base64Request(params byte[][] files) =>
        Request([.. files.Select(f => Encoding.ASCII.GetBytes(Convert.ToBase64String(f)))]);

    /// <summary>What a model gets of images, by the settings beside it.</summary>
    public static float[] Pixels(string settings, long[] shape, params byte[][] files)
    {
        using var model = new ImageModel(Echo(OnnxModel.Float, shape), settings);
        using var session = model.Open();
        using var instance = session.CreateInstance();
        using var outputs = instance.Run([Request(files)]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
