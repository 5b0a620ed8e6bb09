using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Pipelines;
using InferenceTemplate.Worker.Preprocessing;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>Fetches what the registry knows, and opens it from this machine's disk.</summary>
internal sealed partial class ModelSource(
    ModelCatalog catalog, SampleRequests samples, TriedInputs tried, ArtifactStore store, ArtifactFiles files, ModelWarmUp warmUp,
    ExecutionDevice device, IOptions<WorkerOptions> options, IOptions<GenerationOptions> generation, ILogger<ModelSource> logger)
{
    /// <exception cref="InvalidDataException">The version is not one that may be served, or its artifact is damaged.</exception>
    /// <exception cref="IOException">The artifact could not be fetched.</exception>
    public async Task<ModelPlan> PlanAsync(ModelKey key, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var version = snapshot.VersionsOf(key.Model).FirstOrDefault(v => v.Version == key.Version)
            ?? throw new InvalidDataException(snapshot.WhyNot(key.Model, key.Version));
        var held = files.Hold(version.Sha256);
        try
        {
            return await PlanAsync(version, snapshot, cancellationToken) with { Files = held };
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private async Task<ModelPlan> PlanAsync(ModelVersion version, CatalogSnapshot snapshot, CancellationToken cancellationToken)
    {
        var artifact = await files.GetAsync(
            version.Sha256, version.SizeBytes, token => store.OpenReadAsync(version.Sha256, token), cancellationToken);
        if (artifact.IsFolder && PipelineSettings.IsPath(artifact.Path))
        {
            return Pipeline(version, artifact, snapshot);
        }

        var largestBatch = snapshot.SettingsOf(version.Model).Batching.MaxSize ?? options.Value.MaxBatchSize;
        var sample = await SampleOfAsync(version, cancellationToken);
        return new ModelPlan(
            MemoryBudget.Estimate(artifact.Bytes, version.MemoryBytes),
            artifact.Bytes,
            _ => Open(version, artifact, largestBatch, sample));
    }

    // What its steps take in memory counts once, as theirs; and they are warm.
    private ModelPlan Pipeline(ModelVersion version, ModelFiles artifact, CatalogSnapshot snapshot)
    {
        var settings = PipelineSettings.Read(artifact.Path);
        var versions = settings.Steps.Select(step => snapshot.Find(step.Model, step.Version) ?? throw new InvalidDataException(
            $"step '{step.Name}': {snapshot.WhyNot(step.Model, step.Version)}")).ToList();
        var graph = PipelineGraph.Connect(settings, [.. versions.Select(v => v.Signature)]);
        var file = new ModelFile(version.Model, version.Version, artifact.Path);
        return new ModelPlan(
            EstimatedBytes: 0, ArtifactBytes: 0, leases => ModelSession.Over(file, new PipelineModel(graph, leases, tried.Refusal)))
        {
            Steps = [.. graph.Steps.Select(s => s.Step)],
            StepBytes = [.. versions.Select(v => MemoryBudget.Estimate(v.SizeBytes, v.MemoryBytes))],
        };
    }

    // The file may be on this machine while Postgres is away: a colder start is no reason not to serve.
    private async Task<Tensor[]?> SampleOfAsync(ModelVersion version, CancellationToken cancellationToken)
    {
        try
        {
            return version.HasSample ? await samples.InputsOfAsync(version.Model, version.Version, hasRun: true, cancellationToken) : null;
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception))
        {
            LogNoSample(version.Model, version.Version, exception.Message);
            return null;
        }
    }

    private ModelSession Open(ModelVersion version, ModelFiles artifact, int largestBatch, Tensor[]? sample)
    {
        var file = new ModelFile(version.Model, version.Version, artifact.Path);
        var session = artifact.IsFolder && GenerationConfig.Beside(artifact.Path) is { } generates
            ? ModelSession.Over(
                file, GenerationModel.Open(
                    generates, options.Value.IntraOpThreads, generation.Value.MaxTokens, generation.Value.TemplateTime))
            : ModelSession.Open(
                file, device, artifact.IsFolder ? Preprocessors.Beside(artifact.Path, ImageLimits.Of(options.Value)) : null);
        try
        {
            // They may have changed since they were looked at.
            if (!artifact.AreIntact(CancellationToken.None))
            {
                throw new InvalidDataException($"the files of {version.Model}/{version.Version} changed while it was opened");
            }

            warmUp.Run(session, largestBatch, sample);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The sample request of {Model}/{Version} can't be read now; it is warmed up with zeros: {Reason}")]
    private partial void LogNoSample(string model, string version, string reason);
}
