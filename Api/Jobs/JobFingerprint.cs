using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// What a request asks for, as one hash: by it a repetition is told from another request under the same idempotency key. Of the
/// meaning and not of the bytes, so that spaces and the order of fields make no difference.
/// </summary>
internal static class JobFingerprint
{
    /// <param name="version">As the caller named it: which one stands for none may change between a request and its repetition.</param>
    public static byte[] Of(string model, string? version, InferBody body)
    {
        using var hash = new RequestHash();
        hash.Add(model);
        hash.Add(version);
        hash.Add(body.Id);
        hash.Add(body.Timeout?.Ticks ?? -1);
        hash.Add((long)body.Priority);
        hash.Add(body.Outputs.Length);
        foreach (var output in body.Outputs)
        {
            hash.Add(output);
        }

        hash.Add(body.Inputs);
        return hash.Finish();
    }
}
