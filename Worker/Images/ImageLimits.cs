namespace InferenceTemplate.Worker.Images;

/// <summary>What an image may be; more is refused before it is decoded.</summary>
/// <param name="MaxPixels">Width times height.</param>
/// <param name="MaxBytes">Of the file.</param>
internal sealed record ImageLimits(int MaxPixels, int MaxBytes)
{
    /// <summary>Pixels of a side. What is kept to resize an image grows with its longer side alone.</summary>
    public const int MaxSide = 65_535;

    // A file of some kilobytes may have all that one image may.
    private const int ImagesOfRequest = 16;

    /// <summary>Pixels of all images of one request.</summary>
    public long MaxPixelsOfRequest => (long)ImagesOfRequest * MaxPixels;

    public static ImageLimits Of(WorkerOptions options) => new(options.MaxImagePixels, options.MaxImageBytes);
}
