using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Worker.Generation;

/// <summary>How a worker generates text. Bound from <c>Generation</c>.</summary>
public sealed class GenerationOptions
{
    public const string Section = "Generation";

    /// <summary>
    /// Answers that one model version generates at once; further requests wait for their turn. Each holds a KV cache. A model's setting
    /// <c>instances</c> takes precedence. Default 8.
    /// </summary>
    [Range(1, 256)]
    public int Slots { get; set; } = 8;

    /// <summary>Tokens that one request may generate; it is refused where it asks for more. Default 4,096.</summary>
    [Range(1, 1 << 20)]
    public int MaxTokens { get; set; } = 4096;

    /// <summary>
    /// Time that a model's chat template may take for the messages of one request. Beyond it the request is refused, and so are all with
    /// messages until the template has ended: it can't be stopped. Default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan TemplateTime { get; set; } = TimeSpan.FromSeconds(5);
}
