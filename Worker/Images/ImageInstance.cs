using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Images;

/// <summary>
/// Makes runs of a model over images: those of a batch are decoded beside each other, into one tensor that lives as long as the run.
/// </summary>
/// <param name="model">Its own inputs and outputs.</param>
internal sealed class ImageInstance(ModelInstance instance, ModelSignature model, ImagePipeline pipeline) : IModelInstance
{
    /// <summary>Of the tensor that the images of one run become: a picture of some bytes becomes as large as any.</summary>
    public const int MaxTensorBytes = 256 << 20;

    private readonly int _input = pipeline.IndexOf(model);
    private readonly ImageTensor _tensor = new(pipeline.Settings, model.Inputs[pipeline.IndexOf(model)].Datatype);
    private readonly PinnedBuffer _buffer = new();

    public bool SplitsBatches => instance.SplitsBatches;

    /// <inheritdoc/>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyList<Tensor[]> batch, IReadOnlyList<int>? outputs = null, Action? assembled = null, CancellationToken terminate = default)
    {
        var images = Read(batch);
        _buffer.Take(images.Count * _tensor.BytesOfImage);
        var target = _buffer.Memory;
        var refused = new string?[images.Count];
        PixelAllowance[] pixels = [.. batch.Select(_ => new PixelAllowance(pipeline.Limits))];
        try
        {
            ImageThreads.ForEach(
                images.Count,
                i =>
                {
                    try
                    {
                        ImageFile.Read(
                            images[i].File, pipeline.Limits, pixels[images[i].Request], _tensor,
                            target.Span.Slice(i * _tensor.BytesOfImage, _tensor.BytesOfImage));
                    }
                    catch (RefusedInputException exception)
                    {
                        refused[i] = exception.Message;
                    }
                },
                terminate);
            ThrowIfRefused(images, refused);
            return instance.Run(Prepared(batch, target), outputs, assembled, terminate);
        }
        finally
        {
            _buffer.Trim();
        }
    }

    public void Dispose() => instance.Dispose();

    private List<(int Request, int Place, ReadOnlyMemory<byte> File)> Read(IReadOnlyList<Tensor[]> batch)
    {
        List<(int, int, ReadOnlyMemory<byte>)> images = [];
        for (var request = 0; request < batch.Count; request++)
        {
            var input = batch[request][_input];
            var before = images.Count;
            images.AddRange(TextTensor.Elements(input.Data).Select((file, place) => (request, place, file)));
            if (images.Count - before != input.ElementCount)
            {
                throw new InvalidDataException($"Input '{input.Name}' has {images.Count - before} images, not {input.ElementCount}.");
            }
        }

        if (images.Count <= MaxTensorBytes / _tensor.BytesOfImage)
        {
            return images;
        }

        var bytes = (long)images.Count * _tensor.BytesOfImage;
        throw batch.Count > 1
            ? new OversizedBatchException($"The images of a batch become {bytes} bytes.")
            : new RefusedInputException(
                $"input '{model.Inputs[_input].Name}' has {images.Count} images; {MaxTensorBytes / _tensor.BytesOfImage} are possible "
                + $"in one request, since they become {bytes} bytes");
    }

    // Of each request the first image that can't be read, so that the mistake of one caller is known from the others'.
    private void ThrowIfRefused(List<(int Request, int Place, ReadOnlyMemory<byte> File)> images, string?[] reasons)
    {
        Dictionary<int, string> refused = [];
        for (var i = 0; i < reasons.Length; i++)
        {
            if (reasons[i] is { } reason)
            {
                refused.TryAdd(images[i].Request, $"image {images[i].Place} of input '{model.Inputs[_input].Name}' {reason}");
            }
        }

        if (refused.Count > 0)
        {
            throw new RefusedInputException(refused);
        }
    }

    private List<Tensor[]> Prepared(IReadOnlyList<Tensor[]> batch, ReadOnlyMemory<byte> data)
    {
        var own = model.Inputs[_input];
        var prepared = new List<Tensor[]>(batch.Count);
        foreach (var request in batch)
        {
            var images = (int)request[_input].ElementCount;
            Tensor[] inputs = [.. request];
            inputs[_input] = new Tensor(own.Name, own.Datatype, pipeline.ShapeOf(images), data[..(images * _tensor.BytesOfImage)]);
            data = data[(images * _tensor.BytesOfImage)..];
            prepared.Add(inputs);
        }

        return prepared;
    }
}
