using System.Diagnostics.Metrics;
using InferenceTemplate.Inference.Tenancy;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Inference;

public sealed class TenantTelemetryTests
{
    [Fact]
    public void Tenants_beyond_the_bound_share_one_series()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var telemetry = new TenantTelemetry(
            services.GetRequiredService<IMeterFactory>(), Options.Create(new TenantOptions { MetricTenants = 3 }), TimeProvider.System);
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "inference.tenant.inferences" && instrument.Meter.Scope == services.GetRequiredService<IMeterFactory>())
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            var tenant = (string)tags.ToArray().Single(t => t.Key == "tenant").Value!;
            counts[tenant] = counts.GetValueOrDefault(tenant) + value;
        });
        listener.Start();

        for (var round = 0; round < 2; round++)
        {
            for (var tenant = 0; tenant < 10; tenant++)
            {
                telemetry.Inference($"t{tenant}", "succeeded", 0, "USD");
            }
        }

        Assert.Equal(new Dictionary<string, long>(StringComparer.Ordinal) { ["t0"] = 2, ["t1"] = 2, ["t2"] = 2, ["other"] = 14 }, counts);
    }
}
