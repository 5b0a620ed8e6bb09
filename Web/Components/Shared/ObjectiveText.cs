using System.Globalization;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Shared;

/// <summary>What the numbers of an objective say, for one request as for millions.</summary>
internal static class ObjectiveText
{
    public static string Kept(Objective objective) => objective switch
    {
        { Requests: 1, Bad: 0 } => "The one request so far was.",
        { Requests: 1 } => "The one request so far was not.",
        { Bad: 0 } => $"All of {Show.Count(objective.Requests)} requests were.",
        _ => $"{Show.Promise(Rounded(objective))} of {Show.Count(objective.Requests)} requests were; "
            + $"{Show.Count(objective.Bad)} {(objective.Bad == 1 ? "was" : "were")} not.",
    };

    /// <param name="left">Of 1; below 0 where more is spent than there was.</param>
    public static string Budget(double left) => left switch
    {
        >= 0 => $"{Percent(left)} of the error budget is left",
        > -1 => $"the error budget is overspent by {Percent(-left)}",
        _ => $"the error budget is spent {Show.Count((long)Math.Round(1 - left))} times over",
    };

    public static string Burn(Burn burn) =>
        $"{burn.LongWindow}: {Rate(burn.LongRate)}, {burn.ShortWindow}: {Rate(burn.ShortRate)}; limit {Times(burn.Limit)}"
        + (burn.IsBurning ? $": too fast, P{burn.Priority.ToString(CultureInfo.InvariantCulture)}" : null);

    // Never "100 %" beside a request that was not.
    private static double Rounded(Objective objective) => Math.Min(0.99999, 1 - ((double)objective.Bad / objective.Requests));

    private static string Rate(double? rate) => rate switch
    {
        null => "no requests",
        0 => "nothing",
        { } value => Times(value),
    };

    private static string Times(double rate) => $"{rate.ToString(rate < 0.01 ? "0.####" : "0.##", CultureInfo.InvariantCulture)}×";

    private static string Percent(double share) => $"{(100 * share).ToString("0.#", CultureInfo.InvariantCulture)} %";
}
