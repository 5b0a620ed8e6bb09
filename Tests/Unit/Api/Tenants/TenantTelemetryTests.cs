using System.Diagnostics.Metrics;
using InferenceTemplate.Api.Tenants;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit;

public sealed class TenantTelemetryTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Dictionary<string, double> _counts = new(StringComparer.Ordinal);

    [Fact]
    public void Tenants_beyond_the_bound_share_one_series()
    {
        var telemetry = Telemetry(tenants: 3);
        using var listener = Listen();

        for (var round = 0; round < 2; round++)
        {
            for (var tenant = 0; tenant < 10; tenant++)
            {
                telemetry.Inference($"t{tenant}", "succeeded", 0, "USD");
            }
        }

        listener.RecordObservableInstruments();
        Assert.Equal(
            new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["inference.tenant.inferences t0 succeeded"] = 2,
                ["inference.tenant.inferences t1 succeeded"] = 2,
                ["inference.tenant.inferences t2 succeeded"] = 2,
                ["inference.tenant.inferences other succeeded"] = 14,
                ["inference.tenants.active"] = 10,
            },
            _counts);
    }

    [Fact]
    public void Jobs_costs_and_refusals_are_told_by_tenant()
    {
        var telemetry = Telemetry(tenants: 3);
        using var listener = Listen();

        telemetry.Jobs("acme", succeeded: 4, failed: 0);
        telemetry.Jobs("acme", succeeded: 1, failed: 2);
        telemetry.Cost("acme", 0.25m, "EUR");
        telemetry.Refused("acme", "rate");
        telemetry.BudgetAlert("acme", "stop");

        Assert.Equal(
            new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["inference.tenant.jobs acme succeeded"] = 5,
                ["inference.tenant.jobs acme failed"] = 2,
                ["inference.tenant.cost acme EUR"] = 0.25,
                ["inference.tenant.refused acme rate"] = 1,
                ["inference.tenant.budget.alerts acme stop"] = 1,
            },
            _counts);
    }

    public void Dispose() => _services.Dispose();

    private TenantTelemetry Telemetry(int tenants) => new(
        _services.GetRequiredService<IMeterFactory>(), Options.Create(new TenantOptions { MetricTenants = tenants }), TimeProvider.System);

    private MeterListener Listen()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == meters)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Count(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Count(instrument, value, tags));
        listener.Start();
        return listener;
    }

    private void Count(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = string.Join(' ', tags.ToArray().Select(t => t.Value).Prepend(instrument.Name));
        _counts[key] = _counts.GetValueOrDefault(key) + value;
    }
}
