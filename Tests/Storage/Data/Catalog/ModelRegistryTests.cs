using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Storage;

// They count what is in the store, all of it.
[Collection("artifacts")]
public sealed class ModelRegistryTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Versions_added_at_once_get_a_number_each()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var model = NewName();

        var added = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => registry.AddAsync(model, null, [(byte)i], Cancellation)));

        Assert.Equal(Enumerable.Range(1, 8).Select(i => $"{i}"), added.Select(a => a.Version!.Version).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Same_number_at_once_is_given_to_one()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var model = NewName();

        var added = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => registry.AddAsync(model, "7", [(byte)i, 1], Cancellation)));

        var winner = Assert.Single(added, a => a.Version is not null);
        Assert.All(added.Where(a => a.Version is null), a => Assert.Equal(RegistryProblemKind.Conflict, a.Problem!.Kind));
        await using var database = await registry.DatabaseAsync();
        Assert.Equal(winner.Version!.Sha256, (await database.ModelVersions.SingleAsync(v => v.Model == model, Cancellation)).Sha256);
    }

    [Fact]
    public async Task Same_content_added_and_deleted_at_once_is_never_lost_while_a_version_needs_it()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var (model, content) = (NewName(), Guid.NewGuid().ToByteArray());

        for (var round = 1; round <= 10; round++)
        {
            var old = $"{round}";
            var (version, _) = round == 1 ? await registry.AddAsync(model, old, content, Cancellation) : (null, null);
            var adding = registry.AddAsync(model, $"{round + 1}", content, Cancellation);
            var other = registry.AddAsync(NewName(), "1", content, Cancellation);
            await Task.WhenAll(adding, other, registry.Removal.DeleteVersionAsync(model, old, false, "test", Cancellation));

            Assert.Equal(content, await registry.ReadAsync((await adding).Version!.Sha256, Cancellation));
            await registry.Removal.DeleteModelAsync((await other).Version!.Model, "test", Cancellation);
        }
    }

    [Fact]
    public async Task Folder_names_what_is_stable_until_somebody_chooses()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var model = NewName();
        await AddAsync("1");

        // The version named is not there yet, then it is; later ones change nothing.
        Assert.Equal((null, 0), await StateAsync());
        await AddAsync("2");
        Assert.Equal(("2", 1), await StateAsync());
        await AddAsync("3");
        Assert.Equal(("2", 1), await StateAsync());

        // Somebody chooses the highest, and moves the alias.
        await registry.Models.ChangeAsync(
            model,
            async change =>
            {
                change.Model.Settings = change.Model.Settings with { Traffic = new TrafficPolicy { Since = change.Now } };
                (await change.Database.ModelAliases.SingleAsync(a => a.Model == model, Cancellation)).Version = "3";
                return null;
            },
            Cancellation);
        await AddAsync("4");
        Assert.Equal((null, 1), await StateAsync());
        await using var database = await registry.DatabaseAsync();
        Assert.Equal("3", (await database.ModelAliases.SingleAsync(a => a.Model == model, Cancellation)).Version);
        Assert.Equal(
            "v4", (await database.ModelVersions.SingleAsync(v => v.Model == model && v.Version == "4", Cancellation)).Labels["name"]);

        async Task AddAsync(string version)
        {
            var staged = await registry.Artifacts.StageAsync(new MemoryStream([1, 2, 3]), long.MaxValue, Cancellation);
            var (added, _) = await registry.Models.AddAsync(
                new NewVersion(model, version, staged, "models folder")
                {
                    Inspected = new InspectedModel(new ModelSignature([], []), new VersionMetadata(), 3, new BatchProof(true)),
                    Labels = new Dictionary<string, string> { ["name"] = $"v{version}" },
                    Aliases = version is "2" or "4" ? ["chosen"] : [],
                    Stable = "2",
                },
                Cancellation);
            Assert.NotNull(added);
        }

        async Task<(string? Stable, int Aliases)> StateAsync()
        {
            await using var now = await registry.DatabaseAsync();
            return ((await now.Models.SingleAsync(m => m.Name == model, Cancellation)).Settings.Traffic.Stable,
                await now.ModelAliases.CountAsync(a => a.Model == model, Cancellation));
        }
    }

    [Fact]
    public async Task Number_of_a_deleted_version_is_not_given_out_again()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var model = NewName();
        await registry.AddAsync(model, "1", [1], Cancellation);
        await registry.AddAsync(model, "2", [2], Cancellation);

        Assert.Null(await registry.Removal.DeleteVersionAsync(model, "2", true, "test", Cancellation));

        Assert.Equal(RegistryProblemKind.Conflict, (await registry.AddAsync(model, "2", [2], Cancellation)).Problem!.Kind);
        Assert.Equal("3", (await registry.AddAsync(model, null, [3], Cancellation)).Version!.Version);
    }

    [Fact]
    public async Task Catalogue_serves_what_is_ready_by_number_alias_and_as_stable()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var model = NewName();
        await registry.AddAsync(model, "2", [1], Cancellation);
        await registry.AddAsync(model, "10", [2], Cancellation);
        await registry.AddAsync(model, "11", [3], Cancellation, ready: false);
        await registry.Models.ChangeAsync(model, change =>
        {
            change.Database.ModelAliases.Add(new ModelAlias { Model = model, Alias = "old", Version = "2" });
            return Task.FromResult<RegistryProblem?>(null);
        }, Cancellation);

        var snapshot = await registry.Catalog.SnapshotAsync(Cancellation);

        Assert.Equal(["2", "10"], snapshot.VersionsOf(model).Select(v => v.Version));
        Assert.Equal("10", snapshot.StableOf(model)!.Version);
        Assert.Equal("2", snapshot.Find(model, "old")!.Version);
        Assert.Null(snapshot.Find(model, "11"));
        Assert.Contains("not been inspected", snapshot.WhyNot(model, "11"), StringComparison.Ordinal);

        await registry.Models.ChangeAsync(model, change =>
        {
            change.Model.Settings = change.Model.Settings with { Traffic = new TrafficPolicy { Stable = "2" } };
            return Task.FromResult<RegistryProblem?>(null);
        }, Cancellation);
        Assert.Equal("2", (await registry.Catalog.SnapshotAsync(Cancellation)).StableOf(model)!.Version);

        await registry.Models.ChangeAsync(model, change =>
        {
            change.Model.Residency = Residency.Unload;
            return Task.FromResult<RegistryProblem?>(null);
        }, Cancellation);
        Assert.Null((await registry.Catalog.SnapshotAsync(Cancellation)).Find(model, "2"));
        Assert.Contains("unloaded", (await registry.Catalog.SnapshotAsync(Cancellation)).WhyNot(model, "2"), StringComparison.Ordinal);

        // The one that is pending must not be in the way of the next test.
        Assert.Null(await registry.Removal.DeleteModelAsync(model, "test", Cancellation));
    }

    [Fact]
    public async Task Change_is_seen_by_another_process_without_being_asked()
    {
        await using var here = await Registry.OpenAsync(servers, Cancellation);
        await using var there = await Registry.OpenAsync(servers, Cancellation);
        await there.News.StartAsync(Cancellation);
        var model = NewName();
        var seen = new TaskCompletionSource();
        there.Catalog.Refreshed += async (_, _) =>
        {
            if ((await there.Catalog.SnapshotAsync(CancellationToken.None)).Find(model, "1") is not null)
            {
                seen.TrySetResult();
            }
        };

        await here.AddAsync(model, "1", [1], Cancellation);

        await seen.Task.WaitAsync(Wait.DefaultLimit, Cancellation);
        await there.News.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Pending_version_is_claimed_once_until_its_lease_ends_and_a_late_result_counts_for_nothing()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var model = NewName();
        await registry.AddAsync(model, "1", [1], Cancellation, ready: false);

        // Leases of no time: the first is over when the second is asked for.
        var slow = await registry.Inspections.ClaimAsync(TimeSpan.FromMilliseconds(-1), Cancellation);
        var claims = await Task.WhenAll(
            Enumerable.Range(0, 4).Select(_ => registry.Inspections.ClaimAsync(TimeSpan.FromHours(1), Cancellation)));
        var quick = Assert.Single(claims, c => c is not null)!;

        Assert.Equal(2, quick.InspectionAttempts);
        Assert.False(await registry.Inspections.RejectAsync(slow!, "slow", "worker", Cancellation));
        await registry.Inspections.ReturnAsync(slow!, TimeSpan.Zero, Cancellation);
        var found = new InspectedModel(new ModelSignature([], []), new VersionMetadata(), 5, new BatchProof(true));
        Assert.True(await registry.Inspections.AcceptAsync(quick, found, "worker", Cancellation));
        var version = (await registry.Catalog.SnapshotAsync(Cancellation)).Find(model, "1");
        Assert.Equal((VersionState.Ready, 5), (version!.State, version.MemoryBytes));
    }

    [Fact]
    public async Task Version_is_rejected_with_a_reason_that_quotes_what_postgres_does_not_take()
    {
        await using var registry = await Registry.OpenAsync(servers, Cancellation);
        var model = NewName();
        await registry.AddAsync(model, "1", Guid.NewGuid().ToByteArray(), Cancellation, ready: false);
        ModelVersion? claimed;
        do
        {
            claimed = await registry.Inspections.ClaimAsync(TimeSpan.FromMinutes(1), Cancellation);
        }
        while (claimed is not null && claimed.Model != model);

        Assert.True(await registry.Inspections.RejectAsync(claimed!, $"a\0b{new string('c', 5000)}", "worker", Cancellation));

        var version = Assert.Single((await registry.Catalog.RefreshAsync(Cancellation)).AllVersionsOf(model));
        Assert.Equal($"a b{new string('c', 4093)}…", version.Reason);
    }

    private static string NewName() => $"registry-{Guid.NewGuid():N}";
}
