using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Caching;

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
        using var hash = new RequestHash();
        hash.Add(tenant);
        hash.Add(version.Model);
        hash.Add(version.Version);
        hash.Add(version.Sha256);
        hash.Add(inputs.Count);
        hash.Add(inputs);
        foreach (var output in outputs.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            hash.Add(output);
        }

        return new ResponseCacheKey(version.Model, version.Version, Convert.ToHexStringLower(hash.Finish()));
    }
}
