using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Web.Live;

/// <summary>
/// What one open dashboard knows: the last overview, the last five minutes, and whether the Api answers. What takes longer to tell, such as
/// objectives and costs, which Postgres has, is read beside it: live numbers wait for none of it.
/// </summary>
/// <param name="changed">Called when such a part has come.</param>
internal sealed class OverviewMonitor(SharedOverview shared, TimeProvider time, Action? changed = null)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private DateTimeOffset _readAt;
    private DateTimeOffset _objectivesAt;
    private DateTimeOffset _countedAt;
    private Task _counting = Task.CompletedTask;
    private Task _summing = Task.CompletedTask;
    private bool _hasCounted;
    private bool _hasTraffic;

    /// <summary>The last good answer, kept while the Api is away.</summary>
    public Overview? Current { get; private set; }

    /// <summary>When <see cref="Current"/> came.</summary>
    public DateTimeOffset? Updated { get; private set; }

    /// <summary>The last poll's failure, else null.</summary>
    public ApiFailure? Failure { get; private set; }

    /// <summary>What <see cref="Failure"/> was, for people.</summary>
    public string Detail { get; private set; } = "";

    /// <summary>Of <see cref="Current"/>; null before it.</summary>
    public PlatformHealth? Health { get; private set; }

    /// <summary>When <see cref="Health"/> last changed its level while this page looked; null where it has not.</summary>
    public DateTimeOffset? HealthSince { get; private set; }

    /// <summary>When this page first knew how the platform does; null before.</summary>
    public DateTimeOffset? FirstRead { get; private set; }

    /// <summary>Whether any model has answered, ever; null before that is known.</summary>
    public bool? SeenTraffic => _hasTraffic ? true : _hasCounted ? false : null;

    /// <summary>The last that were read; null before.</summary>
    public Objectives? Objectives { get; private set; }

    /// <summary>Why they could not be read, else null.</summary>
    public string? ObjectivesProblem { get; private set; }

    /// <summary>What was used in the last whole hour; null before it was read, and where it could not be.</summary>
    public Usage? LastHour { get; private set; }

    /// <summary>What each model did in the window.</summary>
    public ModelRates Models { get; } = new();

    /// <summary>How busy each worker was in the window.</summary>
    public WorkerLoads Loads { get; } = new();

    /// <summary>The window, oldest first.</summary>
    public IReadOnlyList<Sample> Samples { get; private set; } = [];

    /// <summary>Looks once; false when the session is over.</summary>
    public async Task<bool> PollAsync(Session session, CancellationToken cancellationToken)
    {
        if (session.Expires <= time.GetUtcNow())
        {
            return false;
        }

        var (result, now) = await shared.GetAsync(session, cancellationToken);
        if (result.Failure == ApiFailure.Unauthorized)
        {
            return false;
        }

        // What another page has asked may be what this one has shown already.
        if (now == _readAt)
        {
            return true;
        }

        _readAt = now;
        Failure = result.Failure;
        Detail = result.Detail;
        if (result.Value is { } overview)
        {
            Current = overview;
            Updated = now;
            Loads.Take(overview, now);
            FirstRead ??= now;
            var health = PlatformHealth.Of(overview, Objectives);
            HealthSince = Health is null || health.Level == Health.Level ? HealthSince : now;
            Health = health;
            _hasTraffic |= overview is not { RequestsPerSecond: 0, InFlight: 0, Latency.P50: null };
            Append(Sample.Of(now, overview));
            if (now - _countedAt >= SharedOverview.Counts && _counting.IsCompleted)
            {
                _countedAt = now;
                _counting = CountAsync(session, cancellationToken);
            }

            if (now - _objectivesAt >= SharedOverview.Slow && _summing.IsCompleted)
            {
                _objectivesAt = now;
                _summing = SumAsync(session, cancellationToken);
            }
        }
        else
        {
            Append(Sample.Gap(now));
        }

        return true;
    }

    private async Task CountAsync(Session session, CancellationToken cancellationToken)
    {
        var (statistics, countedAt) = await shared.GetStatisticsAsync(session, cancellationToken);
        if (statistics.Value is { } counts)
        {
            Models.Take(counts, countedAt);
        }

        // Nothing in the last seconds, but perhaps before. Where that can't be told, empty charts say less that is wrong.
        _hasTraffic |= !_hasCounted && (statistics.Value is not { } known || known.ModelStats.Any(model => model.LastInference > 0));
        _hasCounted = true;
        changed?.Invoke();
    }

    private async Task SumAsync(Session session, CancellationToken cancellationToken)
    {
        var objectives = await shared.GetObjectivesAsync(session, cancellationToken);
        Objectives = objectives.Value ?? Objectives;
        ObjectivesProblem = objectives.Value is null ? objectives.Detail : null;
        LastHour = (await shared.GetLastHourAsync(session, cancellationToken)).Value;
        changed?.Invoke();
    }

    // A new list each time: the charts redraw when they are given another one.
    private void Append(Sample sample) =>
        Samples = [.. Samples.Append(sample)
            .SkipWhile(old => old.Time < sample.Time - Window)
            .Select(old => old with { Age = (old.Time - sample.Time).TotalSeconds })];
}
