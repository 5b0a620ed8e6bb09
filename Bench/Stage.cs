using InferenceTemplate.Bench.Models;
using InferenceTemplate.Bench.Reporting;
using InferenceTemplate.Bench.Servers;

namespace InferenceTemplate.Bench;

/// <summary>What parts share: the models, the report, and servers that start when a part first asks for them.</summary>
internal sealed class Stage(BenchOptions options) : IAsyncDisposable
{
    private Product? _product;
    private BareProcess? _default;
    private BareProcess? _tuned;

    public BenchOptions Options { get; } = options;

    public Report Report { get; } = new();

    public ModelFolder Models { get; } = new();

    /// <summary>With its default settings.</summary>
    public async Task<Product> ProductAsync()
    {
        if (_product is null)
        {
            _product = await Product.StartAsync(Models.Path);
            Report.Section("cold start");
            Report.Add(
                "coldstart.platform", _product.Started.TotalSeconds, "s until Api and Worker were healthy, with new Postgres and Redis");
        }

        return _product;
    }

    public async Task<BareProcess> DefaultAsync() => _default ??= await BareProcess.StartDefaultAsync(Models.Path);

    public async Task<BareProcess> TunedAsync() => _tuned ??= await BareProcess.StartTunedAsync(Models.Path);

    public async ValueTask DisposeAsync()
    {
        _default?.Dispose();
        _tuned?.Dispose();
        if (_product is not null)
        {
            await _product.DisposeAsync();
        }

        Models.Dispose();
    }
}
