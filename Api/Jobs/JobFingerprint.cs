using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Api.OpenInference;

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
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, model);
        Append(hash, version);
        Append(hash, body.Id);
        Append(hash, body.Timeout?.Ticks ?? -1);
        Append(hash, (long)body.Priority);
        Append(hash, body.Outputs.Length);
        foreach (var output in body.Outputs)
        {
            Append(hash, output);
        }

        foreach (var input in body.Inputs.OrderBy(i => i.Name, StringComparer.Ordinal))
        {
            Append(hash, input.Name);
            Append(hash, (long)input.Datatype);
            Append(hash, input.Shape.Length);
            foreach (var dimension in input.Shape)
            {
                Append(hash, dimension);
            }

            Append(hash, input.Data.Length);
            hash.AppendData(input.Data.Span);
        }

        return hash.GetHashAndReset();
    }

    private static void Append(IncrementalHash hash, string? text)
    {
        // The length keeps neighbours apart.
        Append(hash, text is null ? -1 : Encoding.UTF8.GetByteCount(text));
        hash.AppendData(Encoding.UTF8.GetBytes(text ?? ""));
    }

    private static void Append(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
