using InferenceTemplate.Api.Audit;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class AuditChainTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_writers_at_once_make_one_chain()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var other = database.Replica();
        AuditChain[] chains = [database.Get<AuditChain>(), other.GetRequiredService<AuditChain>()];

        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => chains[i % 2].AppendAsync(
            [.. Enumerable.Range(0, 1 + (i % 3)).Select(j => Event($"writer{i % 2}", subject: $"{i}/{j}"))], Cancellation)));

        var found = await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation);
        Assert.Equal((true, 120, 120), (found.Valid, found.Entries, found.Head.Sequence));
        Assert.Equal(found.Head, await chains[0].HeadAsync(Cancellation));
        Assert.Equal(120, await database.ScalarAsync<long>("SELECT count(DISTINCT subject) FROM audit_entries"));
    }

    [Fact]
    public async Task Writer_that_is_killed_leaves_no_gap()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var chain = database.Get<AuditChain>();
        await chain.AppendAsync([Event("a")], Cancellation);
        await using (var connection = await database.Source.OpenConnectionAsync(Cancellation))
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancellation);
            await chain.AppendAsync(connection, [Event("b"), Event("b")], Cancellation);
            await database.ExecuteAsync("SELECT pg_terminate_backend($1)", connection.ProcessID);
        }

        await chain.AppendAsync([Event("c")], Cancellation);

        var found = await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation);
        Assert.Equal((true, 2, 2), (found.Valid, found.Entries, found.Head.Sequence));
    }

    [Fact]
    public async Task Batch_that_may_have_arrived_is_not_appended_twice()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var chain = database.Get<AuditChain>();
        AuditEvent[] batch = [Event("a"), Event("b")];
        await chain.AppendAsync(batch, Cancellation);

        await chain.AppendAsync([.. batch, Event("c")], Cancellation);

        Assert.Equal(3, (await chain.HeadAsync(Cancellation)).Sequence);
    }

    [Fact]
    public async Task Whatever_is_recorded_can_be_written_and_verified()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        var hostile = $"zero \0 half \uD83D {new string('ü', 5000)}";
        await database.Get<AuditChain>().AppendAsync(
            [
                new AuditEvent(hostile, hostile, hostile, hostile,
                    new Dictionary<string, string> { [hostile] = hostile, ["b"] = "", ["a"] = "\"\\\n" }),
                new AuditEvent("", "", "", "", new Dictionary<string, string>()),
                new AuditEvent("a", "b", null, null),
            ],
            Cancellation);

        var found = await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation);

        Assert.Equal((null, 3), (found.FirstInvalid, found.Entries));
    }

    [Theory]
    [InlineData("UPDATE audit_entries SET subject = 'other'")]
    [InlineData("DELETE FROM audit_entries")]
    [InlineData("TRUNCATE audit_entries CASCADE")]
    public async Task Database_refuses_to_change_what_was_appended(string change)
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await database.Get<AuditChain>().AppendAsync([Event("a")], Cancellation);

        var refusal = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync(change));

        Assert.Contains("audit_entries is append-only", refusal.MessageText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_models_and_traffic_write_of_themselves_is_appended_once()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await database.ExecuteAsync("""
            INSERT INTO model_events (at, model, version, kind, actor, details)
            SELECT now(), 'm', n::text, 'promoted', 'Ann', 'why' FROM generate_series(1, 30) n
            """);
        await database.ExecuteAsync("""
            INSERT INTO traffic_decisions (id, model, decided_at, action, actor, version, reason)
            VALUES (gen_random_uuid(), 'm', now(), 'rolled_back', 'automatic', '2', '9 of 60 failed')
            """);
        var feeds = new[] { database.Get<AuditFeed>(), database.Replica().GetRequiredService<AuditFeed>() };

        var passes = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => feeds[i % 2].PassAsync(Cancellation)));

        Assert.Equal(31, passes.Sum());
        Assert.Equal(0, await feeds[0].PassAsync(Cancellation));
        Assert.Equal(30, await database.ScalarAsync<long>("SELECT count(*) FROM audit_entries WHERE action = 'model.promoted'"));
        Assert.Equal("m/2", await database.ScalarAsync<string>("SELECT subject FROM audit_entries WHERE action = 'traffic.rolled_back'"));
        Assert.True((await database.Get<AuditVerifier>().VerifyAsync(null, Cancellation)).Valid);
    }

    internal static AuditEvent Event(string actor, string? tenant = null, string? subject = "thing", string action = "thing.changed") =>
        new(action, actor, tenant, subject, new Dictionary<string, string>(StringComparer.Ordinal) { ["by"] = actor });
}
