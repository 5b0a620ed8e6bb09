using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>What a caller sent to <c>/infer</c>.</summary>
/// <param name="Id">Echoed in the answer; null when absent or empty.</param>
/// <param name="Timeout">The <c>timeout</c> parameter; null when absent.</param>
/// <param name="Outputs">Names of the outputs asked for; empty for all.</param>
internal sealed record InferBody(string? Id, TimeSpan? Timeout, Tensor[] Inputs, string[] Outputs)
{
    /// <summary>The <c>priority</c> parameter, or the highest one that the tenant may have.</summary>
    public Priority Priority { get; init; } = Priority.Normal;

    /// <summary>Whether the tenant may not have the priority that was asked for.</summary>
    public bool IsLowered { get; init; }

    /// <summary>Where parts of the answer go as they come; null where only the whole is wanted.</summary>
    public AnswerParts? Parts { get; init; }

    /// <summary>In which form the outputs are wanted.</summary>
    public OutputForms Forms { get; init; } = OutputForms.Json;

    /// <summary>Of the tensors' data.</summary>
    public long Bytes
    {
        get
        {
            var bytes = 0L;
            foreach (var input in Inputs)
            {
                bytes += input.Data.Length;
            }

            return bytes;
        }
    }

    /// <summary>The same with what is left of its time.</summary>
    public InferBody Within(TimeSpan rest) => this with { Timeout = rest > TimeSpan.Zero ? rest : TimeSpan.FromMilliseconds(1) };
}

/// <summary>The request can't be understood; the message is for its sender.</summary>
internal sealed class InvalidInferBodyException(string message) : Exception(message);
