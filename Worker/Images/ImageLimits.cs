namespace InferenceTemplate.Worker.Images;

/// <summary>What an image may be; more is refused before it is decoded.</summary>
/// <param name="MaxPixels">Width times height.</param>
/// <param name="MaxBytes">Of the file.</param>
internal sealed record ImageLimits(int MaxPixels, int MaxBytes)
{
    /// <summary>Pixels of a side. What is kept to resize an image grows with its longer side alone.</summary>
    public const int MaxSide = 65_535;

    public static ImageLimits Of(WorkerOptions options) => new(options.MaxImagePixels, options.MaxImageBytes);
}
