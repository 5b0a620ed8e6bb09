using OpenTelemetry.Metrics;

namespace OpenTelemetry.Exporter;

/// <summary>Collects the metrics when asked, one scrape at a time, and keeps the text of the last.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly SemaphoreSlim _scrape = new(1);
    private string? _text;

    public Func<int, bool>? Collect { get; set; }

    /// <summary>The exposition text, or null where the collection failed.</summary>
    public async Task<string?> ScrapeAsync(CancellationToken cancellationToken)
    {
        await _scrape.WaitAsync(cancellationToken);
        try
        {
            _text = null;
            return Collect?.Invoke(Timeout.Infinite) == true ? _text : null;
        }
        finally
        {
            _scrape.Release();
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        var text = new PrometheusText();
        text.AppendTargetInfo(ParentProvider.GetResource());

        var families = new List<PrometheusFamily>();
        foreach (var metric in batch)
        {
            if (PrometheusFamily.Of(metric) is { } family) families.Add(family);
        }

        // A family is written in one piece, whichever meters it comes from; where they disagree on its type, the first one counts.
        foreach (var family in families.GroupBy(family => family.Name))
        {
            var type = family.First().Type;
            text.AppendFamily([.. family.Where(one => one.Type == type)]);
        }

        _text = text.ToString();
        return ExportResult.Success;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _scrape.Dispose();
        base.Dispose(disposing);
    }
}
