using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Catalog;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Jobs;

/// <summary>What jobs used of the device: their rows' share of the run, and tokens, at the model's price or the platform's.</summary>
internal sealed class JobCosts(ModelCatalog catalog, IOptions<CostOptions> costs)
{
    /// <param name="outputs">The answer as <see cref="ReplyBatch"/> writes it; null where there is none.</param>
    public async Task<UsedDevice> OfAsync(InferenceRequest request, byte[]? outputs)
    {
        if (outputs is null || ReplyBatch.Read(outputs) is not [var reply])
        {
            return default;
        }

        // Postgres may be away; the catalogue remembers, since it was read before anything could be served.
        var snapshot = await catalog.SnapshotAsync(CancellationToken.None);
        var version = snapshot.AllVersionsOf(request.Model).FirstOrDefault(v => v.Version == request.Version);
        return CostShare.Used(
            version?.Signature, snapshot.SettingsOf(request.Model), request.Inputs, reply, costs.Value.PricePerDeviceHour);
    }
}
