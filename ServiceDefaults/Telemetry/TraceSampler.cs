using System.Diagnostics;
using OpenTelemetry.Trace;

namespace InferenceTemplate.ServiceDefaults.Telemetry;

/// <summary>
/// Decides which traces begin. A call to Postgres, Redis or HTTP that belongs to no request is housekeeping (a poll, a heartbeat, a
/// flush) and begins none: a platform at rest would otherwise send dozens of traces a second. Other traces begin with a probability.
/// To be put into a <see cref="ParentBasedSampler"/>, which decides for spans that have a parent.
/// </summary>
/// <param name="ratio">The share of traces that is kept, 0 to 1.</param>
internal sealed class TraceSampler(double ratio) : Sampler
{
    /// <summary>The setting for <c>ratio</c>; 1 by default.</summary>
    public const string RatioKey = "Telemetry:SampleRatio";

    private readonly TraceIdRatioBasedSampler _share = new(ratio);

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
        samplingParameters.Kind == ActivityKind.Client
            ? new SamplingResult(SamplingDecision.Drop)
            : _share.ShouldSample(samplingParameters);

    /// <summary>What <see cref="RatioKey"/> says.</summary>
    /// <exception cref="InvalidOperationException">It is no number from 0 to 1.</exception>
    public static double ReadRatio(string? text) => text switch
    {
        null or "" => 1,
        _ when double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1 => ratio,
        _ => throw new InvalidOperationException(
            $"{RatioKey} is '{text}': it must be a number from 0 to 1, the share of traces that is kept."),
    };
}
