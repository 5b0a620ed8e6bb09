using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Pipelines;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>Takes uploaded versions one by one, has each opened in a process of its own, and writes what came of it.</summary>
internal sealed partial class InspectionService(
    ModelCatalog catalog,
    VersionInspections inspections,
    UntriedVersions untried,
    SampleRequests samples,
    ArtifactStore artifacts,
    ModelInspector inspector,
    PipelineInspector pipelines,
    ServingState state,
    DrainSwitch drain,
    TimeProvider time,
    IOptions<InspectionOptions> options,
    ILogger<InspectionService> logger) : BackgroundService
{
    // Beyond the inspection itself: fetching the file.
    private static readonly TimeSpan LeaseSpare = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private const int MaxAttempts = 3;
    private const string Prefix = "inspection-";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Enabled)
        {
            return;
        }

        try
        {
            Sweep();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogFault(exception.Message);
        }

        using var news = new SemaphoreSlim(0, 1);
        void Heard(object? sender, EventArgs e)
        {
            if (news.CurrentCount == 0)
            {
                news.Release();
            }
        }

        catalog.Refreshed += Heard;
        try
        {
            while (true)
            {
                if (!await InspectNextAsync(stoppingToken))
                {
                    await news.WaitAsync(Pause, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was in flight is taken by another worker when its lease ends.
        }
        finally
        {
            catalog.Refreshed -= Heard;
        }
    }

    private string Folder => options.Value.Directory.Length > 0 ? options.Value.Directory : Path.GetTempPath();

    // What a worker left that was killed, and that no other can be at any more.
    private void Sweep()
    {
        var before = time.GetUtcNow().UtcDateTime - options.Value.Timeout - LeaseSpare;
        foreach (var left in new DirectoryInfo(Folder).EnumerateFileSystemInfos(Prefix + "*").Where(f => f.LastWriteTimeUtc < before))
        {
            try
            {
                if (left is DirectoryInfo folder)
                {
                    folder.Delete(recursive: true);
                }
                else
                {
                    left.Delete();
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // Another user's, or another worker is at it.
            }
        }
    }

    private async Task<bool> InspectNextAsync(CancellationToken stoppingToken)
    {
        using var turn = await drain.EnterAsync(stoppingToken);
        try
        {
            // The catalogue is read anyway; Postgres is only asked for a claim when there may be one.
            var snapshot = await catalog.SnapshotAsync(stoppingToken);
            await untried.OutdateAsync(snapshot, stoppingToken);
            if (!snapshot.AllVersions.Any(v => v.State == VersionState.Pending || v.AwaitsProof)
                || await inspections.ClaimAsync(options.Value.Timeout + LeaseSpare, stoppingToken) is not { } version)
            {
                return false;
            }

            try
            {
                await InspectAsync(version, stoppingToken);
                return true;
            }
            catch (Exception exception) when (stoppingToken.IsCancellationRequested || IsNoFaultOfModel(exception))
            {
                await ReturnAsync(version, stoppingToken.IsCancellationRequested ? TimeSpan.Zero : RetryAfter);
                throw;
            }
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            // Postgres is away, the disk is full, or there is no schema yet.
            if (!Outages.IsDatabaseAway(exception))
            {
                LogFault(exception.Message);
            }

            await Task.Delay(Pause, time, stoppingToken);
            return false;
        }
    }

    // The store, Postgres or this machine: the file was never opened.
    private static bool IsNoFaultOfModel(Exception exception) =>
        exception is ArtifactStoreUnavailableException or InspectionUnavailableException || Outages.IsDatabaseAway(exception);

    private async Task ReturnAsync(ModelVersion version, TimeSpan after)
    {
        try
        {
            await inspections.ReturnAsync(version, after, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // Its lease runs out.
            LogFault(exception.Message);
        }
    }

    private async Task InspectAsync(ModelVersion version, CancellationToken stoppingToken)
    {
        if (version.State == VersionState.Ready)
        {
            await ProveAsync(version, stoppingToken);
            return;
        }

        if (version.InspectionAttempts > MaxAttempts)
        {
            await inspections.RejectAsync(
                version, $"it was opened {MaxAttempts} times, and never was there a result", state.WorkerId, stoppingToken);
            return;
        }

        var report = await OpenAsync(version, stoppingToken);
        if (report.Model is { } opened && await StepGoneAsync(version, opened, stoppingToken) is { } gone)
        {
            report = InspectionReport.Refused(gone);
        }

        if (report.Model is { } model)
        {
            LogAccepted(version.Model, version.Version, model.MemoryBytes);
            LogProof(version.Model, version.Version, model.Batching);
        }
        else
        {
            await inspections.RejectAsync(version, report.Reason!, state.WorkerId, stoppingToken);
            LogRejected(version.Model, version.Version, report.Reason!);
        }
    }

    // Accepts it; or tells which step was lost meanwhile.
    private async Task<string?> StepGoneAsync(ModelVersion version, InspectedModel model, CancellationToken stoppingToken)
    {
        try
        {
            await inspections.AcceptAsync(version, model, state.WorkerId, stoppingToken);
            return null;
        }
        catch (PipelineStepGoneException exception)
        {
            return exception.Message;
        }
    }

    // It was accepted before it was tried whether callers may share its runs, and is served meanwhile, each request alone; or by what was
    // found without the sample request that it has now.
    private async Task ProveAsync(ModelVersion version, CancellationToken stoppingToken)
    {
        // One attempt may have been its inspection.
        var report = version.InspectionAttempts > MaxAttempts + 1
            ? InspectionReport.Refused($"{MaxAttempts} times there was no result")
            : await OpenAsync(version, stoppingToken);
        var proof = report.Model?.Batching
            ?? new BatchProof(false, $"it could not be tried whether rows are independent: {report.Reason}");
        await untried.KeepAsync(version, report.Model?.Signature ?? version.Signature, stoppingToken);
        await inspections.ProveAsync(version, proof, report.SampleHasRun, state.WorkerId, stoppingToken);
        LogProof(version.Model, version.Version, proof);
    }

    private void LogProof(string model, string version, BatchProof? proof)
    {
        if (proof is { Reason: { } reason })
        {
            LogNotBatched(model, version, reason);
        }
    }

    private async Task<InspectionReport> OpenAsync(ModelVersion version, CancellationToken stoppingToken)
    {
        var path = Path.Combine(Folder, $"{Prefix}{Guid.NewGuid():N}.onnx");
        var (samplePath, extracted) = ($"{path}.sample", $"{path}.files");
        try
        {
            var sample = await samples.InputsOfAsync(version.Model, version.Version, hasRun: false, stoppingToken);
            if (sample is not null)
            {
                await OnDiskAsync(() => InspectionJson.WriteSampleAsync(samplePath, sample, stoppingToken));
            }

            await OnDiskAsync(() => FetchAsync(version.Sha256, path, stoppingToken));

            var isArchive = ArtifactFormats.OfFile(path) != ArtifactFormat.Onnx;
            if (isArchive)
            {
                await OnDiskAsync(() => Task.Run(
                    () => ModelArchive.Extract(path, extracted, options.Value.MemoryBytes, stoppingToken), stoppingToken));
                File.Delete(path);
            }

            if (isArchive && PipelineSettings.In(ModelFolder.FindModel(extracted)) is { } pipeline)
            {
                return await pipelines.InspectAsync(pipeline, version, stoppingToken);
            }

            return await inspector.InspectAsync(isArchive ? extracted : path, sample is null ? null : samplePath, stoppingToken);
        }
        catch (ModelRefusedException exception)
        {
            return InspectionReport.Refused(exception.Message);
        }
        finally
        {
            File.Delete(path);
            File.Delete(samplePath);
            if (Directory.Exists(extracted))
            {
                Directory.Delete(extracted, recursive: true);
            }
        }
    }

    private async Task FetchAsync(string sha256, string path, CancellationToken stoppingToken)
    {
        await using var source = await artifacts.OpenReadAsync(sha256, stoppingToken);
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        await source.CopyToAsync(file, stoppingToken);
    }

    // Names, sizes and contents of files are refused before the disk hears of them.
    private static async Task OnDiskAsync(Func<Task> write)
    {
        try
        {
            await write();
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException
            or IOException and not (ArtifactMissingException or ArtifactDamagedException or ArtifactStoreUnavailableException))
        {
            throw new InspectionUnavailableException("the files can't be written here", exception);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Model}/{Version} was inspected and can be served; it takes about {Bytes} bytes")]
    private partial void LogAccepted(string model, string version, long bytes);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} was inspected and is refused: {Reason}")]
    private partial void LogRejected(string model, string version, string reason);

    [LoggerMessage(LogLevel.Information, "Requests for {Model}/{Version} do not share runs: {Reason}")]
    private partial void LogNotBatched(string model, string version, string reason);

    [LoggerMessage(LogLevel.Warning, "Uploaded models can't be inspected now, trying again: {Reason}")]
    private partial void LogFault(string reason);
}
