using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Generation;

/// <summary>The inputs and outputs of a model that generates text: what a worker makes of its files, and the chat API calls.</summary>
public static class GenerationSignature
{
    /// <summary>BYTES [1]: a <see cref="GenerationRequest"/> as JSON.</summary>
    public const string Request = "request";

    /// <summary>BYTES [1]: UTF-8.</summary>
    public const string Text = "text";

    /// <summary>BYTES [1]: <see cref="Stop"/> or <see cref="Length"/>.</summary>
    public const string FinishReason = "finish_reason";

    /// <summary>INT64 [2]: tokens of the prompt, and those that were generated.</summary>
    public const string Usage = "usage";

    /// <summary>The model ended its answer, or a stop text came.</summary>
    public const string Stop = "stop";

    /// <summary>As many tokens were generated as were asked for, or are possible.</summary>
    public const string Length = "length";

    /// <summary>What a refusal says of a prompt that is too long, and of no other.</summary>
    public const string ContextExceeded = "more than the context of the model";

    public static ModelSignature Signature { get; } = new(
        [new(Request, Datatype.Bytes, [1])],
        [new(Text, Datatype.Bytes, [1]), new(FinishReason, Datatype.Bytes, [1]), new(Usage, Datatype.Int64, [2])]);

    public static bool IsOf(ModelSignature signature) =>
        signature.Inputs is [{ Name: Request, Datatype: Datatype.Bytes, Shape: [1] }]
        && Array.Exists(signature.Outputs, o => o is { Name: Text, Datatype: Datatype.Bytes, Shape: [1] })
        && Array.Exists(signature.Outputs, o => o is { Name: FinishReason, Datatype: Datatype.Bytes, Shape: [1] })
        && Array.Exists(signature.Outputs, o => o is { Name: Usage, Datatype: Datatype.Int64, Shape: [2] });
}
