using System.Runtime.InteropServices;

namespace InferenceTemplate.Api.Predictions;

/// <summary>
/// Which rejections get a record: the first ten of a tenant in a second, so that one who is rejected thousands of times a second does not
/// fill the database. Metrics count all.
/// </summary>
internal sealed class RejectionSample(TimeProvider time)
{
    public const int PerSecond = 10;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _taken = new(StringComparer.Ordinal);
    private long _second;

    /// <summary>Whether this one of the tenant is to be recorded.</summary>
    public bool Take(string tenant)
    {
        var second = time.GetUtcNow().ToUnixTimeSeconds();
        lock (_lock)
        {
            if (second != _second)
            {
                _second = second;
                _taken.Clear();
            }

            ref var taken = ref CollectionsMarshal.GetValueRefOrAddDefault(_taken, tenant, out _);
            return taken < PerSecond && ++taken > 0;
        }
    }
}
