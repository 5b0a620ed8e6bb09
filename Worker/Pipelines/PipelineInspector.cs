using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Pipelines;

/// <summary>
/// Looks at a pipeline that was uploaded. It is a few lines of JSON, and its steps have been inspected: no process of its own is needed.
/// </summary>
internal sealed class PipelineInspector(ModelCatalog catalog, IOptions<SignatureLimits> limits)
{
    /// <summary>What the pipeline is, or why it is refused.</summary>
    /// <param name="version">As it was uploaded.</param>
    public async Task<InspectionReport> InspectAsync(string path, ModelVersion version, CancellationToken cancellationToken)
    {
        try
        {
            return Inspect(PipelineSettings.Read(path), await catalog.RefreshAsync(cancellationToken), version);
        }
        catch (ModelRefusedException exception)
        {
            return InspectionReport.Refused(exception.Message);
        }
    }

    private InspectionReport Inspect(PipelineSettings settings, CatalogSnapshot snapshot, ModelVersion version)
    {
        // When it is inspected again, what its steps run is known to be allowed.
        var isPending = version.State == VersionState.Pending;
        List<ModelVersion> models = [.. settings.Steps.Select(s => ModelOf(s, snapshot, isPending ? version.Metadata : null))];
        var graph = PipelineGraph.Connect(settings, [.. models.Select(m => m.Signature)]);
        if (limits.Value.Refusal(graph.Signature) is { } refusal)
        {
            return InspectionReport.Refused(refusal);
        }

        var metadata = new VersionMetadata { Steps = [.. graph.Steps.Select(s => s.Step)] };
        return new InspectionReport(
            new InspectedModel(
                graph.Signature,
                ImageInput.Added(metadata, ImageInputOf(graph, models)),
                models.DistinctBy(m => (m.Model, m.Version)).Sum(m => MemoryBudget.Estimate(m.SizeBytes, m.MemoryBytes)),
                graph.Batching),
            Reason: null);
    }

    private static ModelVersion ModelOf(StepSettings step, CatalogSnapshot snapshot, VersionMetadata? uploaded)
    {
        if (uploaded is not null && !UploaderScope.Allows(uploaded, step.Model))
        {
            // As if it did not exist.
            throw Refused(step, CatalogSnapshot.Empty.WhyNot(step.Model, step.Version));
        }

        var found = snapshot.Find(step.Model, step.Version) ?? throw Refused(step, snapshot.WhyNot(step.Model, step.Version));
        return found.Metadata.Steps.Count > 0
            ? throw Refused(step, $"'{step.Model}/{step.Version}' is a pipeline itself; write its steps here instead")
            : GenerationSignature.IsOf(found.Signature)
                ? throw Refused(step, $"'{step.Model}/{step.Version}' generates text, and can't be a step")
                : found;
    }

    private static string? ImageInputOf(PipelineGraph graph, List<ModelVersion> models) => graph.Steps
        .SelectMany((step, i) => step.Inputs
            .Where((source, j) => source.Step is null && step.Model.Inputs[j].Name == ImageInput.Of(models[i].Metadata))
            .Select(source => graph.Signature.Inputs[source.Index].Name))
        .FirstOrDefault();

    private static ModelRefusedException Refused(StepSettings step, string reason) =>
        new($"{PipelineSettings.FileName}: step '{step.Name}': {reason}");
}
