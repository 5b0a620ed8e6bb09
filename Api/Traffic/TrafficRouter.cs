using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Traffic;

/// <param name="Shadow">The version that repeats the request for comparison; null for none.</param>
public sealed record TrafficRoute(string Version, TrafficRole Role, string? Shadow);

/// <summary>Chooses the version that answers a request which names none.</summary>
public static class TrafficRouter
{
    /// <param name="versions">Those that there are, lowest first. A version that the policy names and that is gone is passed over.</param>
    /// <param name="caller">Id of the caller's API key; a sticky canary is drawn by it.</param>
    /// <returns>Null when there is no version.</returns>
    public static TrafficRoute? Route(TrafficPolicy policy, IReadOnlyList<string> versions, string caller, Random random)
    {
        if (versions.Count == 0)
        {
            return null;
        }

        var shadow = policy.Shadow is { } mirrored && versions.Contains(mirrored.Version, StringComparer.Ordinal)
            && random.NextDouble() < mirrored.Sample
                ? mirrored.Version
                : null;
        return policy.Canary is { } canary
            && versions.Contains(canary.Version, StringComparer.Ordinal)
            && (canary.Sticky ? Place(canary.Version, caller) : random.NextDouble()) < canary.Weight
                ? new TrafficRoute(canary.Version, TrafficRole.Canary, shadow)
                : new TrafficRoute(Stable(policy, versions), TrafficRole.Stable, shadow);
    }

    /// <summary>The version that the policy calls stable; where it names none, the highest that is not being tried.</summary>
    public static string Stable(TrafficPolicy policy, IReadOnlyList<string> versions) =>
        policy.Stable is { } stable && versions.Contains(stable, StringComparer.Ordinal)
            ? stable
            : versions.LastOrDefault(v => v != policy.Canary?.Version && v != policy.Shadow?.Version) ?? versions[^1];

    // A caller's place in 0..1 stands still, so that a growing weight only ever adds callers. It differs from one canary to
    // the next, so that not the same callers try every new version.
    private static double Place(string canary, string caller)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{canary}\n{caller}"), hash);
        return (BinaryPrimitives.ReadUInt64LittleEndian(hash) >> 11) * (1.0 / (1UL << 53));
    }
}
