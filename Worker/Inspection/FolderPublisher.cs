using System.Security.Cryptography;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
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

    // In a row. Who copies a large model into the folder of a running worker renames it into its place.
    private const int MostChanges = 5;

    /// <summary>Returns when every model of the folder is in the registry, or was found to be broken.</summary>
    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        foreach (var file in ModelFile.Find(Path.Combine(AppContext.BaseDirectory, options.Value.ModelsDirectory), LogUnreadable))
        {
            for (var changes = 0; await TryPublishAsync(file, cancellationToken) is var outcome && outcome != Outcome.Done;)
            {
                changes = outcome == Outcome.Changed ? changes + 1 : 0;
                if (changes == MostChanges)
                {
                    Broken(file, $"its files changed while they were read, {MostChanges} times in a row");
                    break;
                }

                await Task.Delay(Retry, time, cancellationToken);
            }
        }
    }

    private async Task<Outcome> TryPublishAsync(ModelFile file, CancellationToken cancellationToken)
    {
        try
        {
            return await PublishAsync(file, cancellationToken);
        }
        catch (Exception exception) when (IsNoFaultOfFile(exception))
        {
            LogNotYet(file.Model, file.Version, exception.Message);
            return Outcome.NotYet;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever else is wrong with one file, the others are served.
            Broken(file, exception.GetBaseException().Message);
            return Outcome.Done;
        }
    }

    // Postgres may be set up wrong, too; what it refuses as data comes of the file, and would be refused each time.
    private static bool IsNoFaultOfFile(Exception exception) =>
        exception is ArtifactStoreUnavailableException or InspectionUnavailableException
        || Outages.IsDatabaseAway(exception)
        || exception.GetBaseException() is NpgsqlException and not PostgresException { SqlState: ['2', '2' or '3', ..] };

    private async Task<Outcome> PublishAsync(ModelFile file, CancellationToken cancellationToken)
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
                if (await StageAsync(artifact, sha256, cancellationToken) is not { } restored)
                {
                    return Changed(file);
                }

                await registry.RestoreAsync(restored, cancellationToken);
            }

            return Outcome.Done;
        }

        var folder = FolderModel.Of(file);
        var report = await inspector.InspectAsync(artifact.Inspected, samplePath: null, cancellationToken);
        if (report.Model is null)
        {
            // In a process of its own as well: it may be the file that ended the first.
            var unlimited = await inspector.InspectTrustedAsync(artifact.Inspected, cancellationToken);
            var untried = new BatchProof(false, $"it could not be tried whether rows are independent: {report.Reason}");
            report = unlimited.Model is null ? unlimited : unlimited with { Model = unlimited.Model with { Batching = untried } };
        }

        if (report.Model is not { } model)
        {
            if (await HashAsync(artifact, cancellationToken) != sha256)
            {
                // What was inspected may be half of it.
                return Changed(file);
            }

            Broken(file, report.Reason!);
            return Outcome.Done;
        }

        if (ClassLabelsFile.Read(file.Path, $"{file.Model}/{file.Version}/") is { } labels)
        {
            model = model with { Metadata = ClassLabelsFile.Added(model.Metadata, labels, model.Signature) };
        }

        if (await StageAsync(artifact, sha256, cancellationToken) is not { } staged)
        {
            return Changed(file);
        }

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

        return Outcome.Done;
    }

    private Outcome Changed(ModelFile file)
    {
        LogChanged(file.Model, file.Version);
        return Outcome.Changed;
    }

    private static async Task<string> HashAsync(FolderArtifact artifact, CancellationToken cancellationToken)
    {
        await using var content = artifact.Open();
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellationToken));
    }

    // Null where it is not what was looked at: nobody may be served one file by what is known of another.
    private async Task<StagedArtifact?> StageAsync(FolderArtifact artifact, string sha256, CancellationToken cancellationToken)
    {
        await using var content = artifact.Open();
        var staged = await artifacts.StageAsync(content, long.MaxValue, cancellationToken);
        if (staged.Sha256 == sha256)
        {
            return staged;
        }

        await artifacts.DiscardAsync(staged.Blob);
        return null;
    }

    private void Broken(ModelFile file, string reason)
    {
        LogBroken(file.Model, file.Version, reason);
        state.Failed($"{file.Model}/{file.Version}", reason);
    }

    private enum Outcome
    {
        /// <summary>It is in the registry, or never will be.</summary>
        Done,

        /// <summary>Its files changed while they were read.</summary>
        Changed,

        /// <summary>What it takes is away.</summary>
        NotYet,
    }

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} of the models folder changed while it was read; it is read again")]
    private partial void LogChanged(string model, string version);

    [LoggerMessage(LogLevel.Information, "{Model}/{Version} of the models folder is in the registry now, {Bytes} bytes")]
    private partial void LogPublished(string model, string version, long bytes);

    [LoggerMessage(LogLevel.Information, "{Model}/{Version} of the models folder was not added: {Reason}")]
    private partial void LogLeftOut(string model, string version, string reason);

    [LoggerMessage(
        LogLevel.Error, "{Model}/{Version} of the models folder is {FileSha256}, but the registry has {Sha256} under that version, which is served: give the file a new version")]
    private partial void LogDiffers(string model, string version, string fileSha256, string sha256);

    [LoggerMessage(LogLevel.Error, "{Model}/{Version} of the models folder can't be served; the other models are not affected: {Reason}")]
    private partial void LogBroken(string model, string version, string reason);

    [LoggerMessage(LogLevel.Error, "{Model} of the models folder can't be read; the other models are not affected: {Reason}")]
    private partial void LogUnreadable(string model, string reason);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} of the models folder can't be put into the registry yet: {Reason}")]
    private partial void LogNotYet(string model, string version, string reason);
}
