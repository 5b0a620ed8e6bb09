using System.Globalization;
using InferenceTemplate.Core.Tenants;

namespace InferenceTemplate.Api.Limits;

/// <summary>
/// Tells a caller how its tenant stands: <c>RateLimit-Policy</c> and <c>RateLimit</c> after draft-ietf-httpapi-ratelimit-headers, and
/// the three headers of its earlier drafts, which more clients read.
/// </summary>
internal static class RateLimitHeaders
{
    private const double TellMonthFrom = 0.8;

    public static void Set(IHeaderDictionary headers, TenantAccount tenant, TenantStanding? standing)
    {
        if (standing is not null && tenant.Limits.RequestsPerMinute > 0)
        {
            var (limit, reset) = (tenant.Limits.RequestsPerMinute, (long)Math.Ceiling(standing.FullAfter.TotalSeconds));
            headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"requests\";q={limit};w=60");
            headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"requests\";r={standing.Remaining};t={reset}");
            headers["RateLimit-Limit"] = limit.ToString(CultureInfo.InvariantCulture);
            headers["RateLimit-Remaining"] = standing.Remaining.ToString(CultureInfo.InvariantCulture);
            headers["RateLimit-Reset"] = reset.ToString(CultureInfo.InvariantCulture);
        }

        if (tenant.UsedPart >= TellMonthFrom)
        {
            headers["Inference-Month-Used"] = tenant.UsedPart.ToString("0.###", CultureInfo.InvariantCulture);
        }
    }
}
