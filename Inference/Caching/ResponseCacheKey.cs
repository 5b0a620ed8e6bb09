using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Inference.Store;
using InferenceTemplate.Inference.Tensors;

namespace InferenceTemplate.Inference.Caching;

/// <summary>
/// What an answer depends on: the tenant, the very file of the version, the inputs byte by byte, the outputs asked for.
/// Tenants never share: whether somebody else has asked the same is not theirs to learn.
/// </summary>
/// <param name="Hash">SHA-256 over all of it, in hex.</param>
public sealed record ResponseCacheKey(string Model, string Version, string Hash)
{
    public static ResponseCacheKey Of(
        ModelVersion version, string tenant, IReadOnlyList<Tensor> inputs, IReadOnlyList<string> outputs)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, tenant);
        Append(hash, version.Model);
        Append(hash, version.Version);
        Append(hash, version.Sha256);

        // The order in which tensors are named makes no difference to the answer.
        Append(hash, inputs.Count);
        foreach (var input in inputs.OrderBy(i => i.Name, StringComparer.Ordinal))
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

        foreach (var output in outputs.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            Append(hash, output);
        }

        return new ResponseCacheKey(version.Model, version.Version, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static void Append(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }

    // The length first: what follows one text can't be taken for its end.
    private static void Append(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }
}
