using InferenceTemplate.Api.Audit;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class AuditLogTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_recorded_while_the_database_is_away_is_written_when_it_is_back()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var (log, writer) = (database.Get<AuditLog>(), database.Hosted<AuditWriter>());
        await database.OpenAsync(false);
        await writer.StartAsync(Cancellation);
        for (var i = 0; i < 20; i++)
        {
            log.Record(AuditChainTests.Event("a", subject: $"{i}"));
        }

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => log.RecordAsync(AuditChainTests.Event("a"), Cancellation));
        await database.OpenAsync(true);
        await Wait.UntilAsync(async () => await database.ScalarAsync<long>("SELECT count(*) FROM audit_entries") >= 20);

        await writer.StopAsync(Cancellation);
        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => $"{i}"),
            await database.ScalarAsync<string[]>("SELECT array_agg(subject::text ORDER BY sequence) FROM audit_entries"));
    }

    [Fact]
    public async Task What_waits_is_written_before_the_process_ends()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var (log, writer) = (database.Get<AuditLog>(), database.Hosted<AuditWriter>());
        await writer.StartAsync(Cancellation);
        for (var i = 0; i < 2_500; i++)
        {
            log.Record(AuditChainTests.Event("a"));
        }

        await writer.StopAsync(Cancellation);

        var found = await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation);
        Assert.Equal((true, 2_500), (found.Valid, found.Entries));
    }

    [Fact]
    public async Task Recording_and_waiting_returns_when_it_is_committed()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);

        await database.Get<AuditLog>().RecordAsync(AuditChainTests.Event("a"), Cancellation);

        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM audit_entries"));
    }

    [Fact]
    public async Task Failed_logins_are_shed_beyond_their_bound_and_administration_is_not()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var log = database.Get<AuditLog>();
        for (var i = 0; i < AuditLog.MaxUnauthenticated + 5; i++)
        {
            log.Record(AuditChainTests.Event("anonymous", subject: $"prefix{i}", action: "login.failed"));
        }

        log.Record(AuditChainTests.Event("Ann"));

        Assert.Equal(AuditLog.MaxUnauthenticated + 1, log.Waiting);
        await log.FlushAsync(Cancellation);
        Assert.Equal(AuditLog.MaxUnauthenticated,
            await database.ScalarAsync<long>("SELECT count(*) FROM audit_entries WHERE action = 'login.failed'"));
        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM audit_entries WHERE action = 'thing.changed'"));
    }

    [Fact]
    public async Task Administration_beyond_its_bound_fails()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var (log, happened) = (database.Get<AuditLog>(), AuditChainTests.Event("Ann"));
        for (var i = 0; i < AuditLog.MaxWaiting; i++)
        {
            log.Record(happened);
        }

        var refusal = Assert.Throws<InvalidOperationException>(() => log.Record(happened));

        Assert.Contains("100000 audit entries wait", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Equal_failures_of_a_moment_are_one_entry_with_their_number()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var log = database.Get<AuditLog>();
        for (var i = 0; i < 7; i++)
        {
            log.Record(AuditChainTests.Event("anonymous", action: "login.failed"));
            log.Record(AuditChainTests.Event("Ann"));
        }

        await log.FlushAsync(Cancellation);

        Assert.Equal("7", await database.ScalarAsync<string>(
            "SELECT facts ->> 'count' FROM audit_details JOIN audit_entries USING (sequence) WHERE action = 'login.failed'"));
        Assert.Equal(8, await database.ScalarAsync<long>("SELECT count(*) FROM audit_entries"));
    }
}
