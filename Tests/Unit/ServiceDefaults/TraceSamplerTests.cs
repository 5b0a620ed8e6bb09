using System.Diagnostics;
using InferenceTemplate.ServiceDefaults.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

public sealed class TraceSamplerTests
{
    [Theory]
    [InlineData(ActivityKind.Client, false)]
    [InlineData(ActivityKind.Server, true)]
    [InlineData(ActivityKind.Consumer, true)]
    [InlineData(ActivityKind.Internal, true)]
    public void Trace_begins_with_anything_but_a_call_to_another_service(ActivityKind kind, bool begins)
    {
        using var source = new ActivitySource($"sampler-{kind}");
        using var tracing = Provider(source, ratio: 1);

        using var activity = source.StartActivity("root", kind, parentContext: default);

        Assert.Equal(begins, activity?.Recorded ?? false);
    }

    [Theory]
    [InlineData(ActivityTraceFlags.Recorded, true)]
    [InlineData(ActivityTraceFlags.None, false)]
    public void Call_is_in_the_trace_of_its_parent(ActivityTraceFlags parent, bool recorded)
    {
        using var source = new ActivitySource($"sampler-parent-{parent}");
        using var tracing = Provider(source, ratio: 1);
        var context = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), parent, isRemote: true);

        using var activity = source.StartActivity("call", ActivityKind.Client, context);

        Assert.Equal(recorded, activity?.Recorded ?? false);
    }

    [Fact]
    public void Share_of_traces_is_about_the_ratio()
    {
        using var source = new ActivitySource("sampler-ratio");
        using var tracing = Provider(source, ratio: 0.25);

        var kept = 0;
        for (var i = 0; i < 4_000; i++)
        {
            Activity.Current = null;
            using var activity = source.StartActivity("root", ActivityKind.Server, parentContext: default);
            kept += activity?.Recorded == true ? 1 : 0;
        }

        // Seven standard deviations to each side.
        Assert.InRange(kept, 800, 1_200);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("-0.1")]
    [InlineData("half")]
    [InlineData("NaN")]
    public async Task Ratio_that_is_none_stops_the_start_and_names_the_setting(string ratio)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Service.StartAsync(
            settings: [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"), (TraceSampler.RatioKey, ratio)]));

        Assert.Contains($"Telemetry:SampleRatio is '{ratio}'", failure.Message, StringComparison.Ordinal);
    }

    private static TracerProvider Provider(ActivitySource source, double ratio) => Sdk.CreateTracerProviderBuilder()
        .AddSource(source.Name)
        .SetSampler(new ParentBasedSampler(new TraceSampler(ratio)))
        .Build();
}
