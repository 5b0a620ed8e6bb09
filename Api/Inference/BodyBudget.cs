using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// The bytes that bodies of requests may take on this replica together, from when they come until they are understood: however slowly
/// callers send, and before any limit of requests can count them. A tenant has at most half of it.
/// </summary>
internal sealed class BodyBudget(IOptions<LimitOptions> options)
{
    /// <summary>A body that takes no more is not counted: there are as many of those as connections.</summary>
    public const int Uncounted = 64 << 10;

    private readonly ConcurrentDictionary<string, Share> _tenants = new(StringComparer.Ordinal);
    private readonly Share _all = new();

    /// <exception cref="BadHttpRequestException">The tenant has its share in flight (429), or all tenants have the whole (503).</exception>
    public void Take(string tenant, long bytes)
    {
        var most = options.Value.BodyBytesInFlight;
        if (!ShareOf(tenant).TryTake(bytes, most / 2))
        {
            throw new BadHttpRequestException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the bodies that the tenant '{tenant}' sends now take {most / 2} bytes, half of Limits:BodyBytesInFlight: try again soon"),
                StatusCodes.Status429TooManyRequests);
        }

        if (!_all.TryTake(bytes, most))
        {
            ShareOf(tenant).Return(bytes);
            throw new BadHttpRequestException(
                string.Create(
                    CultureInfo.InvariantCulture, $"bodies that are sent now take {most} bytes (Limits:BodyBytesInFlight): try again soon"),
                StatusCodes.Status503ServiceUnavailable);
        }
    }

    public void Return(string tenant, long bytes)
    {
        ShareOf(tenant).Return(bytes);
        _all.Return(bytes);
    }

    private Share ShareOf(string tenant) => _tenants.GetOrAdd(tenant, _ => new Share());

    private sealed class Share
    {
        private long _bytes;

        public bool TryTake(long bytes, long most)
        {
            if (Interlocked.Add(ref _bytes, bytes) <= most)
            {
                return true;
            }

            Return(bytes);
            return false;
        }

        public void Return(long bytes) => Interlocked.Add(ref _bytes, -bytes);
    }
}
