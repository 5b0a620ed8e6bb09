using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Api.Payloads;
using InferenceTemplate.Api.Retention;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class PayloadStoreTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Payload_is_its_tenants_alone_and_goes_with_its_days()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await AddTenantsAsync(database);
        var store = new PayloadStore(database.Source, TimeProvider.System);
        var (kept, old, shorter) = (Payload("acme", ago: 6), Payload("acme", ago: 8), Payload("short", ago: 3));

        var recent = Payload("short", ago: 1);

        await store.WriteAsync([kept, old, shorter, recent, Payload("deleted", ago: 0)], Cancellation);

        Assert.Equal(("m", kept.Envelope), await store.FindAsync(kept.Id, "acme", Cancellation));
        Assert.Null(await store.FindAsync(kept.Id, "short", Cancellation));
        Assert.Null(await store.FindAsync(old.Id, "acme", Cancellation));

        // Its tenant keeps records for two days only.
        Assert.Null(await store.FindAsync(shorter.Id, "short", Cancellation));
        Assert.NotNull(await store.FindAsync(recent.Id, "short", Cancellation));
        Assert.Equal(4, await database.ScalarAsync<long>("SELECT count(*) FROM request_payloads"));

        // Fewer days hold for what was written before, too.
        await database.ExecuteAsync("UPDATE tenants SET retention_days = 1 WHERE id = 'short'");
        Assert.Null(await store.FindAsync(recent.Id, "short", Cancellation));
        await database.Get<RetentionRun>().RunAsync("tester", Cancellation);
        Assert.Equal(kept.Id, await database.ScalarAsync<Guid>("SELECT id FROM request_payloads"));
    }

    [Fact]
    public async Task Erasure_of_a_tenant_takes_its_payloads_and_an_export_has_them()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await AddTenantsAsync(database);
        var store = new PayloadStore(database.Source, TimeProvider.System);
        var (own, another) = (Payload("acme", ago: 0), Payload("short", ago: 0));
        await store.WriteAsync([own, another], Cancellation);

        using var zip = new MemoryStream();
        await database.Get<TenantExport>().WriteAsync("acme", withPayloads: true, zip, Cancellation);
        using var archive = new System.IO.Compression.ZipArchive(zip);
        using var lines = new StreamReader(await archive.GetEntry("request_payloads.jsonl")!.OpenAsync(Cancellation));
        Assert.Contains(Convert.ToBase64String(own.Envelope), await lines.ReadToEndAsync(Cancellation), StringComparison.Ordinal);

        using var without = new MemoryStream();
        await database.Get<TenantExport>().WriteAsync("acme", withPayloads: false, without, Cancellation);
        using var rest = new System.IO.Compression.ZipArchive(without);
        Assert.Null(rest.GetEntry("request_payloads.jsonl"));

        await database.ExecuteAsync("UPDATE tenants SET deleted_at = now() WHERE id = 'acme'");
        await database.Get<TenantErasure>().EraseAsync("acme", Cancellation);

        Assert.Equal(another.Id, await database.ScalarAsync<Guid>("SELECT id FROM request_payloads"));
    }

    private static Task<int> AddTenantsAsync(OwnDatabase database) => database.ExecuteAsync("""
        INSERT INTO tenants (id, name, created_at, allow_overdraft, retention_days, deleted_at)
        VALUES ('acme', 'Acme', now(), false, NULL, NULL), ('short', 'Short', now(), false, 2, NULL),
            ('deleted', 'Deleted', now(), false, NULL, now())
        """);

    private static NewPayload Payload(string tenant, int ago) =>
        new(Guid.NewGuid(), tenant, "m", DateTimeOffset.UtcNow.AddDays(-ago), Days: 7, [123, 125]);
}
