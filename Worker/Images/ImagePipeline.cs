using System.Buffers.Binary;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Preprocessing;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Images;

/// <summary>What stands between callers, who send JPEG and PNG, and a model that takes numbers for pixels.</summary>
internal sealed class ImagePipeline(ImageSettings settings, ImageLimits limits) : IPreprocessor
{
    private const int Dimensions = 4;

    private readonly Lazy<IReadOnlyList<byte[]>> _elements = new(MadeUpImages.Make);

    public ImageSettings Settings => settings;

    public ImageLimits Limits => limits;

    /// <inheritdoc/>
    public ModelSignature SignatureOver(ModelSignature model)
    {
        var index = IndexOf(model);
        var input = model.Inputs[index];
        if (input.Datatype is not (Datatype.Fp32 or Datatype.Uint8))
        {
            throw Unfit($"its input '{input.Name}' is {input.Datatype.Name()}, FP32 or UINT8 expected");
        }

        if (input.Datatype == Datatype.Uint8 && (settings.Scale is not null || settings.Mean is not null || settings.Std is not null))
        {
            throw Unfit($"its input '{input.Name}' is UINT8, which takes values from 0 to 255 as they are: no scale, mean or std");
        }

        var shape = ShapeOf(settings);
        if (input.Shape.Length != Dimensions || !TensorShape.Fits(shape.AsSpan(1), input.Shape.AsSpan(1)))
        {
            shape[0] = TensorShape.Variable;
            throw Unfit(
                $"its input '{input.Name}' is {TensorShape.Format(input.Shape)}, and what is said makes {TensorShape.Format(shape)}");
        }

        TensorSignature[] inputs = [.. model.Inputs];
        inputs[index] = new TensorSignature(input.Name, Datatype.Bytes, [input.Shape[0]]);
        return model with { Inputs = inputs };
    }

    /// <summary>Which of the model's inputs is made of images.</summary>
    /// <exception cref="ModelRefusedException">None is.</exception>
    public int IndexOf(ModelSignature model) => settings.Input is { } name
        ? Array.FindIndex(model.Inputs, i => i.Name == name) is >= 0 and var found ? found : throw Unfit(
            $"it has no input '{ModelFileNames.Shown(name)}', but {string.Join(", ", model.Inputs.Select(i => $"'{i.Name}'"))}")
        : model.Inputs.Length == 1 ? 0 : throw Unfit($"it has {model.Inputs.Length} inputs: say which one ('input')");

    public string? ImageInputOf(ModelSignature signature) => signature.Inputs[IndexOf(signature)].Name;

    public IModelInstance Over(ModelInstance instance, ModelSignature model) => new ImageInstance(instance, model, this);

    public Tensor[] Example(ModelSignature signature)
    {
        var index = IndexOf(signature);
        Tensor[] inputs = [.. signature.Inputs.Select(input => ZeroInput.Of(input))];
        var images = (int)inputs[index].ElementCount;
        var element = _elements.Value[0];
        var data = new byte[images * (sizeof(uint) + element.Length)];
        for (var at = 0; at < data.Length; at += sizeof(uint) + element.Length)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), (uint)element.Length);
            element.CopyTo(data, at + sizeof(uint));
        }

        inputs[index] = inputs[index] with { Data = data };
        return inputs;
    }

    // Without a name in the settings the model has one input.
    public MadeUpElements? ElementsOf(string input) => settings.Input is null || settings.Input == input
        ? new(_elements.Value, checked((int)TensorShape.ElementCount(ShapeOf(settings)) * sizeof(float)))
        : null;

    /// <inheritdoc/>
    public void Try(ModelSession session)
    {
        if (session.Signature.Inputs.Length > 1)
        {
            // What the others may be is not known.
            return;
        }

        try
        {
            session.WarmUp();
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or RefusedInputException)
        {
            throw new ModelRefusedException(
                $"{ImageSettings.FileName} makes {TensorShape.Format(ShapeOf(settings))} of an image, and the model failed on it: "
                + RuntimeMessage.Of(exception));
        }
    }

    private static long[] ShapeOf(ImageSettings settings) => settings.Layout == ImageSettings.Nchw
        ? [1, settings.ChannelCount, settings.Height, settings.Width]
        : [1, settings.Height, settings.Width, settings.ChannelCount];

    /// <summary>The shape of a tensor of so many images.</summary>
    public long[] ShapeOf(int images)
    {
        var shape = ShapeOf(settings);
        shape[0] = images;
        return shape;
    }

    private static ModelRefusedException Unfit(string reason) =>
        new($"{ImageSettings.FileName} says that an input of the model is made of images, but {reason}");
}
