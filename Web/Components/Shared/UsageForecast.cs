using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Shared;

/// <summary>What a month will have cost if it goes on as it began.</summary>
internal static class UsageForecast
{
    /// <param name="usage">From the begin of a month on.</param>
    public static decimal Of(Usage usage)
    {
        var begin = usage.From;
        var month = begin.AddMonths(1) - begin;
        var gone = usage.To - begin;
        return gone <= TimeSpan.Zero || gone >= month ? usage.Total.Cost : usage.Total.Cost * (decimal)(month / gone);
    }
}
