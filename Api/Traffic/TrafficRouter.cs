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
    /// <param name="lacking">
    /// Of the versions, those that can't run now. They are not tried; where the stable one is among them, nobody takes its place.
    /// </param>
    /// <returns>Null when no version may answer.</returns>
    public static TrafficRoute? Route(
        TrafficPolicy policy, IReadOnlyList<string> versions, string caller, Random random, IReadOnlySet<string>? lacking = null)
    {
        bool CanRun(string version) => versions.Contains(version, StringComparer.Ordinal) && lacking?.Contains(version) != true;

        var shadow = policy.Shadow is { } mirrored && CanRun(mirrored.Version) && random.NextDouble() < mirrored.Sample
            ? mirrored.Version
            : null;

        // What answers has nothing to be compared with but itself.
        TrafficRoute Of(string version, TrafficRole role) => new(version, role, shadow == version ? null : shadow);

        if (policy.Canary is { } canary
            && CanRun(canary.Version)
            && (canary.Sticky ? Place(canary.Version, caller) : random.NextDouble()) < canary.Weight)
        {
            return Of(canary.Version, TrafficRole.Canary);
        }

        return policy.StableOf(versions) is { } stable && CanRun(stable) ? Of(stable, TrafficRole.Stable) : null;
    }

    // A caller's place in 0..1 stands still, so that a growing weight only ever adds callers. It differs from one canary to
    // the next, so that not the same callers try every new version.
    private static double Place(string canary, string caller)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{canary}\n{caller}"), hash);
        return (BinaryPrimitives.ReadUInt64LittleEndian(hash) >> 11) * (1.0 / (1UL << 53));
    }
}
