using System.Buffers.Binary;
using System.Runtime.InteropServices;
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

    /// <summary>The input with a request.</summary>
    public static Tensor RequestOf(GenerationRequest request)
    {
        var json = request.ToJson();
        var data = new byte[sizeof(uint) + json.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(data, (uint)json.Length);
        json.CopyTo(data, sizeof(uint));
        return new Tensor(Request, Datatype.Bytes, [1], data);
    }

    /// <summary>What an answer took; none where there is none, or it says nothing.</summary>
    public static TokenUse TokensOf(IEnumerable<Tensor> outputs) =>
        outputs.FirstOrDefault(o => o is { Name: Usage, Datatype: Datatype.Int64, Shape: [2] }) is { Data.Length: 2 * sizeof(long) } usage
            ? new TokenUse(Number(usage, 0), Number(usage, 1))
            : default;

    public static bool IsOf(ModelSignature signature) =>
        signature.Inputs is [{ Name: Request, Datatype: Datatype.Bytes, Shape: [1] }]
        && Array.Exists(signature.Outputs, o => o is { Name: Text, Datatype: Datatype.Bytes, Shape: [1] })
        && Array.Exists(signature.Outputs, o => o is { Name: FinishReason, Datatype: Datatype.Bytes, Shape: [1] })
        && Array.Exists(signature.Outputs, o => o is { Name: Usage, Datatype: Datatype.Int64, Shape: [2] });

    // Whose model it is decides what it says.
    private static long Number(Tensor usage, int i) =>
        Math.Clamp(BinaryPrimitives.ReadInt64LittleEndian(usage.Data.Span[(i * sizeof(long))..]), 0, int.MaxValue);
}

/// <summary>Tokens of prompts, and of what was generated.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TokenUse(long Prompt, long Completion);
