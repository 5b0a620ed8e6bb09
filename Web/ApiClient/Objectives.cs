using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>What <c>GET /v1/overview/objectives</c> answers.</summary>
/// <param name="PeriodDays">What the budgets are for.</param>
public sealed record Objectives(
    DateTimeOffset At, double PeriodDays, [property: JsonPropertyName("objectives")] IReadOnlyList<Objective> All)
{
    /// <summary>Whether one of them is not kept, or soon will not be.</summary>
    public bool IsAtRisk => All.Any(objective => objective.State is "burning" or "exhausted");
}

/// <param name="State"><c>met</c>, <c>burning</c>, <c>exhausted</c> or <c>no_traffic</c>.</param>
/// <param name="Target">The share of requests that are to be good.</param>
/// <param name="Seconds">Within which a request is to be answered; null where time is not what counts.</param>
/// <param name="BudgetLeft">From 1 down, below 0 where more is spent than there was; null without requests.</param>
public sealed record Objective(
    string Name, string State, double Target, double? Seconds, long Requests, long Bad, double? BudgetLeft, IReadOnlyList<Burn> Burns);

/// <summary>How fast a budget burns in two windows, 1 being as fast as it may; null in a window without requests.</summary>
/// <param name="Limit">What neither may exceed.</param>
public sealed record Burn(
    string LongWindow, string ShortWindow, double? LongRate, double? ShortRate, double Limit, int Priority, bool IsBurning);
