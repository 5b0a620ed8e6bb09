using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Drift;

/// <summary>
/// Gathers samples into windows by version, role and tensor. A window ends with its 250th request, or after a minute once it has 20: fewer
/// would keep single values. Not for several threads.
/// </summary>
internal sealed class DriftWindows(TimeProvider time)
{
    public const int MaxRequests = 250;

    public const int MinRequests = 20;

    /// <summary>Open at once; samples of further tensors are dropped.</summary>
    public const int MaxOpen = 512;

    private static readonly TimeSpan Length = TimeSpan.FromMinutes(1);

    // Nobody looks farther back.
    private static readonly TimeSpan Longest = DriftStore.LookBack;

    private readonly Dictionary<Series, Open> _open = [];

    /// <summary>Adds a request.</summary>
    /// <param name="finished">Gets what it completes.</param>
    /// <returns>False where a tensor of it found no room.</returns>
    public bool Add(DriftSample sample, ICollection<DriftWindow> finished)
    {
        var isAdded = true;
        foreach (var tensor in sample.Tensors)
        {
            var series = new Series(sample.Model, sample.Version, sample.Role, tensor.Name, tensor.IsOutput, tensor.Kind);
            if (!_open.TryGetValue(series, out var open))
            {
                if (_open.Count == MaxOpen)
                {
                    isAdded = false;
                    continue;
                }

                _open[series] = open = new(time.GetUtcNow(), time.GetTimestamp(), []);
            }

            open.Requests.Add(tensor.Values);
            if (open.Requests.Count == MaxRequests)
            {
                finished.Add(Finish(series, open));
            }
        }

        return isAdded;
    }

    /// <summary>Ends what is a minute old.</summary>
    /// <param name="all">Whether the process stops, and everything with enough requests ends.</param>
    public List<DriftWindow> TakeDue(bool all = false)
    {
        var due = new List<DriftWindow>();
        foreach (var (series, open) in _open.ToList())
        {
            var age = time.GetElapsedTime(open.StartedAt);
            if (open.Requests.Count >= MinRequests && (all || age >= Length))
            {
                due.Add(Finish(series, open));
            }
            else if (age >= Longest)
            {
                _open.Remove(series);
            }
        }

        return due;
    }

    private DriftWindow Finish(Series series, Open open)
    {
        _open.Remove(series);
        var seen = DriftDistribution.Of(open.Requests, DriftDistribution.WindowPoints);
        var now = time.GetUtcNow();
        return new DriftWindow
        {
            Id = Guid.CreateVersion7(now),
            Model = series.Model,
            Version = series.Version,
            Role = series.Role,
            Tensor = series.Tensor,
            IsOutput = series.IsOutput,
            Kind = series.Kind,

            // The clock may have been set back meanwhile.
            StartedAt = open.Started < now ? open.Started : now,
            EndedAt = now,
            Requests = seen.Requests,
            NotFinite = seen.NotFinite,
            Empty = seen.Empty,
            Values = [.. seen.Points.Select(p => p.Value)],
            Weights = [.. seen.Points.Select(p => p.Weight)],
        };
    }

    private sealed record Series(string Model, string Version, string Role, string Tensor, bool IsOutput, string Kind);

    private sealed record Open(DateTimeOffset Started, long StartedAt, List<double[]> Requests);
}
