namespace InferenceTemplate.Core.Queue;

/// <summary>The queue of one model version, over all priorities.</summary>
public readonly record struct QueueName(string Model, string Version)
{
    /// <summary>Reads what <see cref="ToString"/> wrote; a version never holds a slash, a model may.</summary>
    public static bool TryParse(string? text, out QueueName name)
    {
        var slash = text?.LastIndexOf('/') ?? -1;
        name = slash > 0 && slash < text!.Length - 1 ? new QueueName(text[..slash], text[(slash + 1)..]) : default;
        return name != default;
    }

    public override string ToString() => $"{Model}/{Version}";
}
