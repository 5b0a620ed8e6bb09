using InferenceTemplate.Api.Audit;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

/// <summary>What somebody does who may write to the tables and has taken the trigger off.</summary>
public sealed class AuditVerifierTests(Servers servers) : IAsyncLifetime
{
    private const int Entries = 6;

    // Details hold on to the number of their entry.
    private const string Untied = """ALTER TABLE audit_details DROP CONSTRAINT "FK_audit_details_audit_entries_sequence" """;

    private OwnDatabase? _database;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private OwnDatabase Database => _database!;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(servers);
        for (var i = 1; i <= Entries; i++)
        {
            await Chain.AppendAsync([AuditChainTests.Event($"actor{i % 2}", tenant: "acme", subject: $"thing {i}")], Cancellation);
        }

        await Database.ExecuteAsync("ALTER TABLE audit_entries DISABLE TRIGGER USER");
    }

    public ValueTask DisposeAsync() => Database.DisposeAsync();

    [Fact]
    public async Task Chain_that_nobody_touched_is_valid_and_has_its_head()
    {
        var head = await Chain.HeadAsync(Cancellation);
        var found = await VerifyAsync(head);

        Assert.Equal(new AuditVerification(true, Entries, head, null, null, 0, "matched"), found);
    }

    [Theory]
    [InlineData("subject = 'thing 9'", "it is not what was recorded")]
    [InlineData("subject = NULL", "it is not what was recorded")]
    [InlineData("action = 'thing.seen'", "it is not what was recorded")]
    [InlineData("at = at + interval '1 microsecond'", "it is not what was recorded")]
    [InlineData("tenant_id = 'other'", "it is not what was recorded")]
    [InlineData("actor_id = (SELECT actor_id FROM audit_entries WHERE sequence = 4)", "it is not what was recorded")]
    [InlineData("details_digest = NULL", "it is not what was recorded")]
    [InlineData("hash = sha256('x')", "it is not what was recorded")]
    [InlineData("previous_hash = sha256('x')", "it does not follow")]
    public async Task Entry_that_was_changed_is_named(string change, string reason)
    {
        await Database.ExecuteAsync($"UPDATE audit_entries SET {change} WHERE sequence = 3");

        await InvalidAsync(3, reason);
    }

    [Fact]
    public async Task Entry_that_is_gone_is_named()
    {
        await Database.ExecuteAsync("DELETE FROM audit_entries WHERE sequence = 3");

        await InvalidAsync(3, "it is missing");
    }

    [Fact]
    public async Task Gap_that_was_closed_is_named()
    {
        await Database.ExecuteAsync(Untied);
        await Database.ExecuteAsync("DELETE FROM audit_entries WHERE sequence = 3");
        await Database.ExecuteAsync("UPDATE audit_entries SET sequence = sequence - 1 WHERE sequence > 3");

        await InvalidAsync(3, "it does not follow");
    }

    [Fact]
    public async Task Entries_that_were_swapped_are_named()
    {
        await Database.ExecuteAsync(Untied);
        foreach (var (from, to) in new[] { (3, 100), (4, 3), (100, 4) })
        {
            await Database.ExecuteAsync($"UPDATE audit_entries SET sequence = {to} WHERE sequence = {from}");
        }

        await InvalidAsync(3, "it does not follow");
    }

    [Fact]
    public async Task End_that_was_cut_off_is_named_where_a_head_was_kept()
    {
        var head = await Chain.HeadAsync(Cancellation);
        await Database.ExecuteAsync("DELETE FROM audit_entries WHERE sequence > 4");

        Assert.True((await VerifyAsync()).Valid);
        var fault = (await VerifyAsync(head)).FirstInvalid!;
        Assert.Equal((5, "the chain ends at 4, but had reached 6 when the given head was kept"), (fault.Sequence, fault.Reason));
    }

    [Fact]
    public async Task Chain_that_was_written_anew_is_named_where_a_head_was_kept()
    {
        var head = await Chain.HeadAsync(Cancellation);
        await Database.ExecuteAsync("DELETE FROM audit_entries WHERE sequence > 4");
        await Chain.AppendAsync([AuditChainTests.Event("a"), AuditChainTests.Event("b"), AuditChainTests.Event("c")], Cancellation);

        Assert.True((await VerifyAsync()).Valid);
        var fault = (await VerifyAsync(head)).FirstInvalid!;
        Assert.Equal((6, "its hash is not the one of the given head"), (fault.Sequence, fault.Reason));
    }

    [Fact]
    public async Task Beginning_that_was_cut_off_is_named()
    {
        await Database.ExecuteAsync("DELETE FROM audit_entries WHERE sequence <= 2");

        await InvalidAsync(1, "entries 1 to 2 are gone, and no entry says that they were pruned");
    }

    [Theory]
    [InlineData(
        "UPDATE audit_details SET facts = '{\"by\":\"somebody else\"}' WHERE sequence = 3", "its details are not what was recorded")]
    [InlineData("UPDATE audit_actors SET name = 'somebody else' WHERE name = 'actor1'", "its actor's name is not what was recorded", 1)]
    [InlineData("DELETE FROM audit_actors WHERE name = 'actor0'", "its actor is gone", 2)]
    [InlineData("DELETE FROM audit_details WHERE sequence = 3", "no later entry says that the tenant 'acme' was erased")]
    [InlineData(
        "UPDATE audit_actors SET name = NULL, salt = NULL WHERE name = 'actor1'", "its actor's name is gone, and it was no tenant's", 1)]
    public async Task What_stands_beside_an_entry_is_held_to_it(string change, string reason, int sequence = 3)
    {
        await Database.ExecuteAsync(change);

        await InvalidAsync(sequence, reason);
    }

    [Fact]
    public async Task Pruned_beginning_is_valid_since_the_chain_says_so()
    {
        var (old, head) = (AuditHead.Of(2, await HashAsync(2)), await Chain.HeadAsync(Cancellation));
        await Database.ExecuteAsync("ALTER TABLE audit_entries ENABLE TRIGGER USER");
        var at = new DateTimeOffset(await Database.ScalarAsync<DateTime>("SELECT at FROM audit_entries WHERE sequence = 4"));

        Assert.Equal(3, await Database.Get<AuditPruning>().CountAsync(at, Cancellation));
        Assert.Equal(3, await Database.Get<AuditPruning>().PruneAsync(at, "pruner", Cancellation));
        Assert.Equal(0, await Database.Get<AuditPruning>().PruneAsync(at, "pruner", Cancellation));

        Assert.Equal((true, 4, 3, "matched"), await SummaryAsync(head));
        Assert.Equal((true, 4, 3, "pruned"), await SummaryAsync(old));

        var wait = Wait.For("all entries but one to be pruned");
        // And again, over the entry that spoke of the first time.
        while (await Database.Get<AuditPruning>().PruneAsync(DateTimeOffset.UtcNow.AddDays(1), "pruner", Cancellation) > 1)
        {
            wait.ThrowIfOver();
            // Always but the last one goes.
        }

        Assert.True((await VerifyAsync()).Valid);
        Assert.Equal(0, await Database.ScalarAsync<long>("SELECT count(*) FROM audit_details"));
    }

    private async Task<(bool, long, long?, string?)> SummaryAsync(AuditHead head)
    {
        var found = await VerifyAsync(head);
        return (found.Valid, found.Entries, found.PrunedThrough, found.KeptHead);
    }

    private AuditChain Chain => Database.Get<AuditChain>();

    private Task<byte[]> HashAsync(long sequence) =>
        Database.ScalarAsync<byte[]>("SELECT hash FROM audit_entries WHERE sequence = $1", sequence);

    private Task<AuditVerification> VerifyAsync(AuditHead? kept = null) => Database.Get<AuditVerifier>().VerifyAsync(kept, Cancellation);

    private async Task InvalidAsync(long sequence, string reason)
    {
        var found = await VerifyAsync();
        Assert.False(found.Valid);
        Assert.Equal(sequence, found.FirstInvalid!.Sequence);
        Assert.Contains(reason, found.FirstInvalid.Reason, StringComparison.Ordinal);
    }
}
