using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.Images;

/// <summary>What the images of one request may have together, so that it does not keep all others' images waiting.</summary>
internal sealed class PixelAllowance(ImageLimits limits)
{
    private long _taken;

    /// <exception cref="RefusedInputException">They have more.</exception>
    public void Take(long pixels)
    {
        if (Interlocked.Add(ref _taken, pixels) > limits.MaxPixelsOfRequest)
        {
            throw new RefusedInputException(
                $"is one too many: the images of one request may have {limits.MaxPixelsOfRequest} pixels together, 16 times "
                + "Worker:MaxImagePixels");
        }
    }
}
