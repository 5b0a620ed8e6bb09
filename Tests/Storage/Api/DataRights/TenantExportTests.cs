using System.IO.Compression;
using System.Text.Json;
using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Storage;

public sealed class TenantExportTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Export_has_all_of_the_tenant_and_nothing_of_another()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await TenantData.WriteAsync(database, "acme", "Ann's key");
        await TenantData.WriteAsync(database, "other", "Bob's key");

        using var file = new MemoryStream();
        await database.Get<TenantExport>().WriteAsync("acme", withPayloads: true, file, Cancellation);

        file.Position = 0;
        await using var archive = new ZipArchive(file);
        var files = archive.Entries.ToDictionary(e => e.Name, Read, StringComparer.Ordinal);
        await using var context = await database.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);
        Assert.Equal(
            TenantTable.All(context.Model).Select(t => $"{t.Name}.jsonl").Append("manifest.json").Order(StringComparer.Ordinal),
            files.Keys.Order(StringComparer.Ordinal));
        var manifest = JsonDocument.Parse(files["manifest.json"]).RootElement;
        Assert.Equal("acme", manifest.GetProperty("tenant").GetString());
        Assert.Equal((1, 12, 1), (Rows("api_keys"), Rows("predictions"), Rows("jobs")));
        Assert.Equal((2, 1, 1), (Rows("audit_entries"), Rows("audit_details"), Rows("audit_actors")));
        Assert.All(files.Where(f => f.Key != "manifest.json"), f => Assert.Equal(
            f.Value.Count(c => c == '\n'), manifest.GetProperty("files").GetProperty(f.Key).GetInt32()));
        Assert.All(files.Values, text => Assert.DoesNotContain("Bob", text, StringComparison.Ordinal));
        Assert.All(files.Values, text => Assert.DoesNotContain("other", text, StringComparison.Ordinal));
        Assert.DoesNotContain("hash", files["api_keys.jsonl"], StringComparison.Ordinal);
        Assert.Contains("Ann's key", files["api_keys.jsonl"], StringComparison.Ordinal);

        var job = JsonDocument.Parse(files["jobs.jsonl"]).RootElement;
        Assert.Equal("succeeded", job.GetProperty("state").GetString());
        var (input, output) =
            (Assert.Single(job.GetProperty("inputs").EnumerateArray()), Assert.Single(job.GetProperty("outputs").EnumerateArray()));
        Assert.Equal([1, 2, 3], input.GetProperty("raw").GetBytesFromBase64());
        Assert.Equal([4, 5], output.GetProperty("raw").GetBytesFromBase64());
        Assert.Equal("UINT8", output.GetProperty("datatype").GetString());

        int Rows(string table) => manifest.GetProperty("files").GetProperty($"{table}.jsonl").GetInt32();
    }

    private static string Read(ZipArchiveEntry entry)
    {
        using var reader = new StreamReader(entry.Open());
        return reader.ReadToEnd();
    }
}
