namespace InferenceTemplate.Core.Objectives;

/// <summary>
/// What the service promises, over <see cref="Period"/>: the one place of these numbers. The alerts in <c>deploy/monitoring</c> and the
/// overview of the dashboard both come of them; after a change run <c>scripts/chart.sh</c>.
/// </summary>
public static class ServiceObjectives
{
    /// <summary>The share of requests that do not fail by our fault (5xx).</summary>
    public const double Availability = 0.999;

    /// <summary>The share of requests that are answered within <see cref="FastSeconds"/>.</summary>
    public const double Fast = 0.95;

    /// <summary>A bound of the histogram's buckets, or the share would be interpolated.</summary>
    public const double FastSeconds = 0.5;

    public static TimeSpan Period { get; } = TimeSpan.FromDays(30);

    /// <summary>What burns 2 % of the budget of 30 days in an hour, 5 % in six, and 10 % in a day and in three.</summary>
    public static IReadOnlyList<BurnRule> Burns { get; } =
    [
        new(14.4, TimeSpan.FromHours(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(2), Priority: 1),
        new(6, TimeSpan.FromHours(6), TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(5), Priority: 2),
        new(3, TimeSpan.FromDays(1), TimeSpan.FromHours(2), TimeSpan.FromMinutes(15), Priority: 3),
        new(1, TimeSpan.FromDays(3), TimeSpan.FromHours(6), TimeSpan.FromHours(1), Priority: 3),
    ];

    /// <summary>The share of requests that may be bad, without the tail of a binary fraction.</summary>
    public static double BudgetOf(double share) => Math.Round(1 - share, 6);
}

/// <summary>An error budget burns too fast where it does in both windows: the long one so that a moment counts for little, the short one
/// so that the alert ends soon after the fault.</summary>
/// <param name="Rate">Times as fast as it may.</param>
/// <param name="For">How long it must be so before it is an alert.</param>
/// <param name="Priority">1 to 3, 1 for what wakes people.</param>
public sealed record BurnRule(double Rate, TimeSpan Long, TimeSpan Short, TimeSpan For, int Priority)
{
    /// <summary>A window as Prometheus writes it: <c>5m</c>, <c>6h</c>, <c>3d</c>.</summary>
    public static string NameOf(TimeSpan window) =>
        window.TotalDays >= 1 ? $"{window.Days}d" : window.TotalHours >= 1 ? $"{window.Hours}h" : $"{window.Minutes}m";
}
