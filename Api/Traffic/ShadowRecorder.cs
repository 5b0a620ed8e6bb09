using InferenceTemplate.Api.Records;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Traffic;

/// <summary>Keeps every comparison of a shadow's answer.</summary>
internal sealed class ShadowRecorder(ShadowComparisonStore store, Telemetry telemetry, ILogger<ShadowRecorder> logger)
    : BatchedRecorder<ShadowComparison>(capacity: 10_000, "shadow comparisons", logger)
{
    protected override Task WriteAsync(IReadOnlyCollection<ShadowComparison> records, CancellationToken cancellationToken) =>
        store.WriteAsync(records, cancellationToken);

    protected override void Shed(int records) => telemetry.ComparisonsShed(records);
}
