using InferenceTemplate.Api.Records;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Payloads;

/// <summary>Keeps payloads of models whose settings say so: up to 320 wait, 80 MiB at most, and what finds no room is counted.</summary>
internal sealed class PayloadRecorder(PayloadStore store, Telemetry telemetry, ILogger<PayloadRecorder> logger)
    : BatchedRecorder<PendingPayload>(Capacity, "payloads", logger, maxBatch: 64)
{
    public const int Capacity = 256;

    /// <param name="outputs">Empty where there was no answer.</param>
    public void Take(Prediction record, RoutedModel routed, Tensor[] inputs, Tensor[] outputs)
    {
        // Who asked for another model agreed to that one's settings, not to those of what stands in for it.
        var settings = routed.Settings.Payload;
        if (routed.Role != TrafficRole.Fallback
            && (settings.Mode == PayloadMode.Full
                || (settings.Mode == PayloadMode.Sampled && Random.Shared.NextDouble() < settings.Sample)))
        {
            Record(PendingPayload.Of(record, settings, inputs, outputs));
        }
    }

    protected override Task WriteAsync(IReadOnlyCollection<PendingPayload> records, CancellationToken cancellationToken) =>
        store.WriteAsync(
            [
                .. records.Select(p => new NewPayload(
                    p.Record.Id, p.Record.TenantId, p.Record.Model, p.Record.ReceivedAt, p.Days, p.Envelope())),
            ],
            cancellationToken);

    protected override void Shed(int records) => telemetry.PayloadsShed(records);
}
