using System.Security.Cryptography;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// Puts the models that come with the program into the registry, where they are not there yet. They are trusted as the
/// program is, so that limits refuse none of them; whether callers may share their runs is tried as it is for any other.
/// </summary>
internal sealed partial class FolderPublisher(
    ModelCatalog catalog,
    ModelRegistry registry,
    ArtifactStore artifacts,
    ModelInspector inspector,
    ServingState state,
    TimeProvider time,
    IOptions<WorkerOptions> options,
    IOptions<InspectionOptions> inspection,
    ILogger<FolderPublisher> logger)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    /// <summary>Returns when every model of the folder is in the registry, or was found to be broken.</summary>
    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        foreach (var file in ModelFile.Find(Path.Combine(AppContext.BaseDirectory, options.Value.ModelsDirectory)))
        {
            while (!await TryPublishAsync(file, cancellationToken))
            {
                await Task.Delay(Retry, time, cancellationToken);
            }
        }
    }

    private async Task<bool> TryPublishAsync(ModelFile file, CancellationToken cancellationToken)
    {
        try
        {
            await PublishAsync(file, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException or ArtifactStoreUnavailableException)
        {
            LogNotYet(file.Model, file.Version, exception.Message);
            return false;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            Broken(file, exception.Message);
            return true;
        }
    }

    private async Task PublishAsync(ModelFile file, CancellationToken cancellationToken)
    {
        var artifact = FolderArtifact.Of(file, inspection.Value.Limits);
        var sha256 = await HashAsync(artifact, cancellationToken);
        var snapshot = await catalog.RefreshAsync(cancellationToken);
        if (snapshot.AllVersionsOf(file.Model).FirstOrDefault(v => v.Version == file.Version) is { } known)
        {
            if (known.Sha256 != sha256)
            {
                LogDiffers(file.Model, file.Version, sha256, known.Sha256);
            }
            else if (!await artifacts.ExistsAsync(sha256, cancellationToken))
            {
                await registry.RestoreAsync(await StageAsync(artifact, cancellationToken), cancellationToken);
            }

            return;
        }

        var folder = FolderModel.Of(file);
        var report = await inspector.InspectAsync(artifact.Inspected, samplePath: null, cancellationToken);
        if (report.Model is null)
        {
            var unlimited = InspectionChild.Inspect(
                artifact.Inspected, inspection.Value.Limits with { Images = ImageLimits.Of(options.Value) });
            var untried = new BatchProof(false, $"it could not be tried whether rows are independent: {report.Reason}");
            report = unlimited.Model is null ? unlimited : unlimited with { Model = unlimited.Model with { Batching = untried } };
        }

        if (report.Model is not { } model)
        {
            Broken(file, report.Reason!);
            return;
        }

        if (ClassLabelsFile.Read(file.Path, $"{file.Model}/{file.Version}/") is { } labels)
        {
            model = model with { Metadata = ClassLabelsFile.Added(model.Metadata, labels, model.Signature) };
        }

        var staged = await StageAsync(artifact, cancellationToken);
        var (version, problem) = await registry.AddAsync(
            new NewVersion(file.Model, file.Version, staged, "models folder")
            {
                Inspected = model,
                Labels = folder.Labels.GetValueOrDefault(file.Version, []),
                Aliases = [.. folder.Aliases.Where(a => a.Value == file.Version).Select(a => a.Key)],
                Stable = folder.Stable,
            },
            cancellationToken);
        if (version is not null)
        {
            LogPublished(file.Model, file.Version, version.SizeBytes);
        }
        else
        {
            // Another worker was faster, or somebody deleted it: either way it is not for this one to add.
            LogLeftOut(file.Model, file.Version, problem!.Message);
        }
    }

    private static async Task<string> HashAsync(FolderArtifact artifact, CancellationToken cancellationToken)
    {
        await using var content = artifact.Open();
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
    }

    private async Task<StagedArtifact> StageAsync(FolderArtifact artifact, CancellationToken cancellationToken)
    {
        await using var content = artifact.Open();
        return await artifacts.StageAsync(content, long.MaxValue, cancellationToken);
    }

    private void Broken(ModelFile file, string reason)
    {
        LogBroken(file.Model, file.Version, reason);
        state.Failed($"{file.Model}/{file.Version}", reason);
    }

    [LoggerMessage(LogLevel.Information, "{Model}/{Version} of the models folder is in the registry now, {Bytes} bytes")]
    private partial void LogPublished(string model, string version, long bytes);

    [LoggerMessage(LogLevel.Information, "{Model}/{Version} of the models folder was not added: {Reason}")]
    private partial void LogLeftOut(string model, string version, string reason);

    [LoggerMessage(
        LogLevel.Error, "{Model}/{Version} of the models folder is {FileSha256}, but the registry has {Sha256} under that version, which is served: give the file a new version")]
    private partial void LogDiffers(string model, string version, string fileSha256, string sha256);

    [LoggerMessage(LogLevel.Error, "{Model}/{Version} of the models folder can't be served; the other models are not affected: {Reason}")]
    private partial void LogBroken(string model, string version, string reason);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} of the models folder can't be put into the registry yet: {Reason}")]
    private partial void LogNotYet(string model, string version, string reason);
}
