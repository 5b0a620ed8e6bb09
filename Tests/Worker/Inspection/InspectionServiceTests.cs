using InferenceTemplate.Core;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Inspection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Npgsql;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>Whose fault it is that an upload could not be inspected.</summary>
public sealed class InspectionServiceTests(Servers servers) : IDisposable
{
    // Of a path in Linux.
    private const int LongestPath = 4095;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("inspections-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Archive_that_the_disk_does_not_take_is_left_to_another_worker()
    {
        // What is fetched has room, and what is extracted has not.
        var directory = _folder.FullName;
        var fetched = "/inspection-.onnx".Length + 32;
        while (directory.Length + fetched + "/files".Length < LongestPath - 200)
        {
            directory = Path.Combine(directory, new string('d', 100));
        }

        Directory.CreateDirectory(directory);
        var files = ExternalModel.Files(scale: 3, shift: 10, $"{new string('f', 240)}/");

        await IsReturnedAsync(ExternalModel.Zip(files), new() { ["Inspection:Directory"] = directory }, "the files can't be written here");
    }

    [Fact]
    public async Task Upload_for_which_no_process_can_be_started_is_left_to_another_worker()
    {
        // More than an argument of a process may have.
        var domains = Enumerable.Range(0, 1500).ToDictionary(
            i => $"Inspection:ExtraDomains:{i}", string? (i) => $"{i}.{new string('d', 100)}");
        domains["Inspection:Directory"] = _folder.FullName;

        await IsReturnedAsync(OnnxFile.Add(1), domains, "the process for an inspection can't be started");
    }

    private async Task IsReturnedAsync(byte[] upload, Dictionary<string, string?> configuration, string reason)
    {
        await using var database = await JobCompletionTests.DatabaseAsync(servers);
        await using var services = Services(database, configuration);
        var staged = await services.GetRequiredService<ArtifactStore>().StageAsync(
            new MemoryStream(upload), long.MaxValue, Cancellation);
        var (added, _) = await services.GetRequiredService<ModelRegistry>().AddAsync(
            new NewVersion("uploaded", "1", staged, "test"), Cancellation);
        Assert.Equal(VersionState.Pending, added!.State);
        var logged = services.GetRequiredService<FakeLogCollector>();
        var service = services.GetRequiredService<InspectionService>();

        await service.StartAsync(Cancellation);
        await Wait.UntilAsync(() => Task.FromResult(
            logged.GetSnapshot().Any(l => l.Level == LogLevel.Warning && l.Message.Contains(reason, StringComparison.Ordinal))));
        await service.StopAsync(Cancellation);

        var contexts = services.GetRequiredService<IDbContextFactory<InferenceDbContext>>();
        await using var context = await contexts.CreateDbContextAsync(Cancellation);
        var version = await context.ModelVersions.SingleAsync(Cancellation);
        Assert.Equal((VersionState.Pending, 0), (version.State, version.InspectionAttempts));
        Assert.True(version.InspectionLease < TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(1));
        Assert.Empty(Directory.EnumerateFileSystemEntries(configuration["Inspection:Directory"]!));
    }

    private ServiceProvider Services(NpgsqlDataSource database, Dictionary<string, string?> configuration) => new ServiceCollection()
        .AddFakeLogging()
        .AddCore()
        .AddData()
        .AddSingleton(database)
        .AddSingleton(servers.Redis)
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build())
        .AddOptions<WorkerOptions>().Services
        .AddSingleton<ServingState>()
        .AddSingleton<DrainSwitch>()
        .AddInspection()
        .BuildServiceProvider();
}
