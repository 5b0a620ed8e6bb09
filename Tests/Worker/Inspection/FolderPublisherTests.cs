using System.Text;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Inspection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>What becomes of the models folder in a database of its own.</summary>
public sealed class FolderPublisherTests(Servers servers) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("models-folder-").FullName;
    private readonly string _database = $"folder_{Guid.NewGuid():N}";
    private NpgsqlDataSource _source = null!;
    private ServiceProvider _services = null!;

    // Called before a file is stored, with how many were.
    private Action<int> _storing = _ => { };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await AdministerAsync($"CREATE DATABASE {_database}");
        _source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(servers.ConnectionString) { Database = _database, MaxPoolSize = 10 }.ConnectionString);
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddSingleton(_source)
            .AddSingleton(servers.Redis)
            .AddSingleton(TimeProvider.System)
            .AddCore()
            .AddData()
            .AddSingleton<IBlobStore>(new Blobs(new PostgresBlobs(_source), stored => _storing(stored)))
            .AddSingleton(Options.Create(new WorkerOptions { ModelsDirectory = _folder }))
            .AddSingleton(Options.Create(new InspectionOptions()))
            .AddSingleton(Options.Create(new SignatureLimits()))
            .AddSingleton<ServingState>()
            .AddSingleton<ModelInspector>()
            .AddSingleton<FolderPublisher>()
            .BuildServiceProvider();
        await _services.GetRequiredService<SchemaMigrator>().MigrateAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await _source.DisposeAsync();
        await AdministerAsync($"DROP DATABASE {_database} WITH (FORCE)");
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Files_that_are_bad_or_end_the_process_that_opens_them_keep_no_other_model_from_being_served()
    {
        Put("a", ("model.onnx", OnnxFile.Add(1)));
        Describe("a", """{"aliases":null}""");
        Put("b", ("model.onnx", OnnxFile.Add(1)));
        Describe("b", """{"labels":{"1":{"a":"\u0000"}}}""");
        Put("c", TinyDecoder.Files(template: "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"));
        Put("d", ("model.onnx", Encoding.UTF8.GetBytes("no model")));
        Put("e", ("model.onnx", OnnxFile.Add(2)));

        var versions = await PublishAsync();

        Assert.Equal("e", Assert.Single(versions).Model);
        var failures = _services.GetRequiredService<ServingState>().Failures;
        Assert.Equal(["a/1", "b/1", "c/1", "d/1"], failures.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("aliases", failures["a/1"], StringComparison.Ordinal);
        Assert.Contains("U+0000", failures["b/1"], StringComparison.Ordinal);
        Assert.Contains("crashed (signal", failures["c/1"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_that_changes_between_its_inspection_and_its_storage_is_read_again_as_a_whole()
    {
        var (before, after) = (OnnxFile.Add(1), OnnxFile.Unary("Neg"));
        Put("a", ("model.onnx", before));
        _storing = stored =>
        {
            if (stored == 0)
            {
                Put("a", ("model.onnx", after));
            }
        };

        var version = Assert.Single(await PublishAsync());

        Assert.Equal((Sha256(after), after.Length), (version.Sha256, version.SizeBytes));
        Assert.Equal("graph", version.Metadata.Graph);
        Assert.Equal(1, await CountAsync("artefacts"));
        Assert.Equal(0, await CountAsync("loose_blobs"));
        Assert.Empty(_services.GetRequiredService<ServingState>().Failures);
    }

    [Fact]
    public async Task File_of_a_version_that_is_lost_is_restored_from_what_has_its_hash_alone()
    {
        var lost = OnnxFile.Add(1);
        Put("a", ("model.onnx", lost));
        _ = await PublishAsync();
        await using (var command = _source.CreateCommand("DELETE FROM artefacts"))
        {
            await command.ExecuteNonQueryAsync(Cancellation);
        }

        _storing = stored => Put("a", ("model.onnx", stored == 1 ? OnnxFile.Add(2) : lost));
        var version = Assert.Single(await PublishAsync());

        // The second time it is another file than the registry has, and stays out.
        Assert.Equal(Sha256(lost), version.Sha256);
        Assert.Equal(0, await CountAsync("artefacts"));
        Put("a", ("model.onnx", lost));
        _ = await PublishAsync();
        Assert.Equal(1, await CountAsync("artefacts"));
    }

    [Fact]
    public async Task File_that_changes_whenever_it_is_read_is_given_up()
    {
        Put("a", ("model.onnx", OnnxFile.Add(0)));
        _storing = stored => Put("a", ("model.onnx", OnnxFile.Add(stored + 1)));

        Assert.Empty(await PublishAsync());

        Assert.Equal(
            "its files changed while they were read, 5 times in a row", _services.GetRequiredService<ServingState>().Failures["a/1"]);
        Assert.Equal(0, await CountAsync("loose_blobs"));
    }

    private static string Sha256(byte[] content) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));

    private async Task<IReadOnlyList<ModelVersion>> PublishAsync()
    {
        await _services.GetRequiredService<FolderPublisher>().PublishAsync(Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation);
        return [.. (await _services.GetRequiredService<ModelCatalog>().RefreshAsync(Cancellation)).Versions];
    }

    private async Task<long> CountAsync(string table)
    {
        await using var command = _source.CreateCommand($"SELECT count(*) FROM {table}");
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    private void Put(string model, params (string Name, byte[] Content)[] files)
    {
        var version = Directory.CreateDirectory(Path.Combine(_folder, model, "1")).FullName;
        foreach (var (name, content) in files)
        {
            File.WriteAllBytes(Path.Combine(version, name), content);
        }
    }

    private void Describe(string model, string json) => File.WriteAllText(Path.Combine(_folder, model, "model.json"), json);

    private async Task AdministerAsync(string sql)
    {
        await using var command = servers.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    // The real store, before which something happens to the file that is being read.
    private sealed class Blobs(IBlobStore blobs, Action<int> storing) : IBlobStore
    {
        private int _stored;

        public Task WriteAsync(Guid blob, Stream content, CancellationToken cancellationToken)
        {
            storing(_stored++);
            return blobs.WriteAsync(blob, content, cancellationToken);
        }

        public Task<Stream> OpenReadAsync(Guid blob, CancellationToken cancellationToken) => blobs.OpenReadAsync(blob, cancellationToken);

        public Task DeleteAsync(Guid blob, CancellationToken cancellationToken) => blobs.DeleteAsync(blob, cancellationToken);
    }
}
