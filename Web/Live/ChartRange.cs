namespace InferenceTemplate.Web.Live;

/// <summary>A time that the charts of the overview show, until now.</summary>
/// <param name="Id">In addresses, and for the Api.</param>
/// <param name="Tick">Between the marks of the axis.</param>
public sealed record ChartRange(string Id, string Name, TimeSpan Length, TimeSpan Tick)
{
    /// <summary>What this page has seen itself, second by second.</summary>
    public static readonly ChartRange Live = new("5m", "5 min", OverviewMonitor.Window, TimeSpan.FromMinutes(1));

    public static readonly IReadOnlyList<ChartRange> All =
    [
        Live,
        new("1h", "1 h", TimeSpan.FromHours(1), TimeSpan.FromMinutes(10)),
        new("24h", "24 h", TimeSpan.FromHours(24), TimeSpan.FromHours(4)),
        new("7d", "7 d", TimeSpan.FromDays(7), TimeSpan.FromDays(1)),
    ];
}
