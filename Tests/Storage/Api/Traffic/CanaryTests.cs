using InferenceTemplate.Api;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Storage;

public sealed class CanaryTests(Servers servers) : IAsyncLifetime
{
    private static readonly RollbackRule Rule = new(MaxErrorRate: 0.1, MaxLatencyRatio: 3, MinSample: 20, TimeSpan.FromMinutes(1));

    private readonly string _model = $"canary-{Guid.NewGuid():N}";
    private readonly List<ServiceProvider> _replicas = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Canary_that_fails_is_taken_back_once_by_one_of_the_replicas_that_saw_it()
    {
        var policy = await SetAsync(new CanaryRule("2", 0.5));

        // Neither replica alone has seen enough.
        foreach (var replica in _replicas)
        {
            await CountAsync(replica, "1", policy, requests: 15, failed: 0);
            await CountAsync(replica, "2", policy, requests: 15, failed: 5);
        }

        var rollbacks = await JudgeAsync();
        rollbacks.AddRange(await JudgeAsync());

        var rollback = Assert.Single(rollbacks);
        Assert.Equal(
            (_model, "2", "10 of 30 requests failed, 33.333 %; at most 10 % may"), (rollback.Model, rollback.Version, rollback.Reason));
        var after = await PolicyAsync();
        Assert.Null(after.Canary);
        Assert.Equal("1", after.Stable);
        Assert.Null(after.Rollback);
        Assert.True(after.Since > policy.Since);
        var decisions = await DecisionsAsync();
        Assert.Equal(["rolled_back", "set"], decisions.Select(d => d.Action));
        Assert.Equal((TrafficDecision.Automatic, "2", rollback.Reason), (decisions[0].Actor, decisions[0].Version, decisions[0].Reason));
        Assert.Equal(("tester", "stable 1, canary 2 at 50 %"), (decisions[1].Actor, decisions[1].Reason));
    }

    [Fact]
    public async Task Canary_that_is_slow_is_taken_back()
    {
        var policy = await SetAsync(new CanaryRule("2", 0.5));
        await CountAsync(_replicas[0], "1", policy, requests: 20, failed: 0, milliseconds: 2);
        await CountAsync(_replicas[1], "2", policy, requests: 20, failed: 0, milliseconds: 7);

        var rollback = Assert.Single(await JudgeAsync());

        Assert.Equal(
            "mean compute time is 3.5 times the stable version's (7 ms against 2 ms); at most 3 times is allowed", rollback.Reason);
    }

    [Fact]
    public async Task Canary_that_does_well_stays()
    {
        var policy = await SetAsync(new CanaryRule("2", 0.5));
        await CountAsync(_replicas[0], "1", policy, requests: 50, failed: 1);
        await CountAsync(_replicas[1], "2", policy, requests: 50, failed: 1);

        Assert.Empty(await JudgeAsync());
        Assert.Equal(new CanaryRule("2", 0.5), (await PolicyAsync()).Canary);
    }

    [Fact]
    public async Task Canary_that_was_set_again_is_not_judged_by_what_it_did_before()
    {
        var policy = await SetAsync(new CanaryRule("2", 0.5));
        await CountAsync(_replicas[0], "2", policy, requests: 50, failed: 50);
        await Task.Delay(2, Cancellation);
        await SetAsync(new CanaryRule("2", 0.5));

        Assert.Empty(await JudgeAsync());
        Assert.NotNull((await PolicyAsync()).Canary);
    }

    [Fact]
    public async Task Evaluation_on_a_canary_that_was_changed_meanwhile_is_void()
    {
        var judged = await SetAsync(new CanaryRule("2", 0.5));
        var store = _replicas[0].GetRequiredService<TrafficPolicyStore>();

        Assert.False(await store.RollBackAsync(_model, judged with { Canary = new CanaryRule("3", 0.5) }, "other version", Cancellation));
        Assert.False(await store.RollBackAsync(_model, judged with { Canary = new CanaryRule("2", 0.6) }, "other weight", Cancellation));
        Assert.False(await store.RollBackAsync(
            _model, judged with { Since = judged.Since!.Value.AddMilliseconds(-1) }, "other policy", Cancellation));
        Assert.NotNull((await PolicyAsync()).Canary);
        Assert.True(await store.RollBackAsync(_model, judged, "this one", Cancellation));
        Assert.False(await store.RollBackAsync(_model, judged, "again", Cancellation));
        Assert.Null((await PolicyAsync()).Canary);
    }

    [Fact]
    public async Task Policy_is_changed_without_touching_other_settings()
    {
        await using var database = await Context();
        var model = await database.Models.SingleAsync(m => m.Name == _model, Cancellation);
        model.Settings = new ModelSettings { Instances = 3, Cache = new CacheSettings(TimeSpan.FromMinutes(2)) };
        await database.SaveChangesAsync(Cancellation);

        await SetAsync(new CanaryRule("2", 0.1, Sticky: true));

        var settings = (await _replicas[0].GetRequiredService<ModelCatalog>().RefreshAsync(Cancellation)).SettingsOf(_model);
        Assert.Equal((3, TimeSpan.FromMinutes(2), new CanaryRule("2", 0.1, Sticky: true)),
            (settings.Instances, settings.Cache!.TimeToLive, settings.Traffic.Canary));
    }

    [Fact]
    public async Task Policy_that_names_a_version_which_is_gone_meanwhile_is_not_set_nor_any_of_a_model_that_is_gone()
    {
        var store = _replicas[0].GetRequiredService<TrafficPolicyStore>();
        await using var database = await Context();
        await database.ModelVersions.Where(v => v.Model == _model && v.Version == "2")
            .ExecuteUpdateAsync(v => v.SetProperty(one => one.DeletedAt, DateTimeOffset.UtcNow), Cancellation);

        var (_, gone) = await store.SetAsync(_model, new TrafficPolicy { Stable = "2" }, "tester", Cancellation);
        Assert.Equal(("stable", "there is no version '2' that is ready"), (gone?.Field, gone?.Message));
        Assert.Null((await PolicyAsync()).Stable);

        await database.ModelVersions.Where(v => v.Model == _model)
            .ExecuteUpdateAsync(v => v.SetProperty(one => one.DeletedAt, DateTimeOffset.UtcNow), Cancellation);
        var (_, none) = await store.SetAsync(_model, null, "tester", Cancellation);
        Assert.Equal(RegistryProblemKind.NotFound, none?.Kind);
        Assert.Null(await store.FindAsync(_model, Cancellation));
        Assert.Empty(await DecisionsAsync());
    }

    [Fact]
    public async Task Emptied_redis_is_a_sample_that_starts_again()
    {
        var policy = await SetAsync(new CanaryRule("2", 0.5));
        await CountAsync(_replicas[0], "2", policy, requests: 50, failed: 50);
        await servers.Redis.RemoveAsync($"*{_model}*");

        Assert.Empty(await JudgeAsync());
        await CountAsync(_replicas[0], "2", policy, requests: 20, failed: 3);
        Assert.Single(await JudgeAsync());
    }

    [Fact]
    public async Task Canary_whose_outputs_differ_from_the_stable_versions_is_taken_back()
    {
        var policy = await SetAsync(new CanaryRule("2", 0.5), Rule with { MaxOutputDrift = 0.2 });
        await AnswerAsync("1", "stable", 0);
        await AnswerAsync("2", "canary", 0.05);
        Assert.Empty(await JudgeAsync());
        Assert.StartsWith(
            "outputs differ by a stability index of 0.", (await EvaluationAsync()).Reason.Split("; ")[^1], StringComparison.Ordinal);

        // What it answered to those who named it, or under an earlier policy, is not held against it.
        await AnswerAsync("2", "named", 3);
        await AnswerAsync("2", "canary", 3, policy.Since!.Value.AddSeconds(-1));
        Assert.Empty(await JudgeAsync());

        await AnswerAsync("2", "canary", 3);
        var rollback = Assert.Single(await JudgeAsync());
        Assert.Matches(
            @"^its output 'y' \(numbers\) differs from the stable version's by a stability index of [\d.]+ over 500 and 250 requests; "
            + "less than 0.2 is allowed$",
            rollback.Reason);
    }

    [Fact]
    public async Task Canary_with_few_outputs_is_not_judged_by_them()
    {
        await SetAsync(new CanaryRule("2", 0.5), Rule with { MaxOutputDrift = 0.2 });
        await AnswerAsync("1", "stable", 0);
        await AnswerAsync("2", "canary", 3, requests: 90);

        Assert.Empty(await JudgeAsync());
        Assert.EndsWith(
            "outputs of 90 of the 100 requests seen that their comparison needs", (await EvaluationAsync()).Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Counts_of_all_replicas_add_up()
    {
        var policy = await SetAsync(new CanaryRule("2", 0.5));
        await CountAsync(_replicas[0], "1", policy, requests: 3, failed: 1, milliseconds: 10, cost: 0.000_000_002m);
        await CountAsync(_replicas[1], "1", policy, requests: 5, failed: 0, milliseconds: 20, cost: 0.000_000_003m);

        var seen = await _replicas[0].GetRequiredService<TrafficOutcomes>().ReadAsync(_model, "1", policy.Since, Rule.Window);

        Assert.Equal((8, 1, 7), (seen.Requests, seen.Errors, seen.Computed));
        Assert.Equal(0.000_000_019m, seen.Cost);
        Assert.Equal((2 * 0.010 + 5 * 0.020) / 7, seen.MeanCompute!.Value, 1e-9);
        Assert.InRange(seen.Compute.Quantile(0.95)!.Value, 0.020, 0.025);
    }

    public async ValueTask InitializeAsync()
    {
        for (var i = 0; i < 2; i++)
        {
            _replicas.Add(new ServiceCollection()
                .AddLogging()
                .AddSingleton(servers.Database)
                .AddSingleton(servers.Redis)
                .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
                .AddSlices()
                .BuildServiceProvider());
        }

        await _replicas[0].GetRequiredService<SchemaMigrator>().MigrateAsync(Cancellation);
        await using var database = await Context();
        var now = DateTimeOffset.UtcNow;
        database.Models.Add(new Model { Name = _model, Settings = new ModelSettings(), CreatedAt = now, UpdatedAt = now });
        foreach (var version in (string[])["1", "2"])
        {
            database.ModelVersions.Add(new ModelVersion
            {
                Model = _model,
                Version = version,
                Platform = "onnxruntime_onnx",
                Sha256 = new string('0', 64),
                Signature = new ModelSignature([], []),
                BatchProof = new BatchProof(true),
                RegisteredAt = now,
            });
        }

        await database.SaveChangesAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        // Other tests of this class judge all models: none may be left on trial.
        await _replicas[0].GetRequiredService<TrafficPolicyStore>().SetAsync(_model, null, "tester", CancellationToken.None);
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }
    }

    private Task<InferenceDbContext> Context() =>
        _replicas[0].GetRequiredService<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);

    private async Task<TrafficPolicy> SetAsync(CanaryRule canary, RollbackRule? rule = null) =>
        (await _replicas[0].GetRequiredService<TrafficPolicyStore>().SetAsync(
            _model, new TrafficPolicy { Stable = "1", Canary = canary, Rollback = rule ?? Rule }, "tester", Cancellation)).Kept!;

    private async Task<RollbackEvaluation> EvaluationAsync() =>
        (await _replicas[0].GetRequiredService<CanaryJudge>().EvaluationAsync(_model, await PolicyAsync(), Cancellation))!;

    // A window of values around a middle.
    private Task AnswerAsync(string version, string role, double middle, DateTimeOffset? startedAt = null, int requests = 250)
    {
        var random = new Random(1);
        var seen = DriftDistribution.Of(
            [.. Enumerable.Range(0, requests).Select(_ => (double[])[middle + random.NextDouble()])], DriftDistribution.WindowPoints);
        var now = DateTimeOffset.UtcNow;
        return _replicas[0].GetRequiredService<DriftStore>().WriteAsync(
            [
                new DriftWindow
                {
                    Id = Guid.NewGuid(),
                    Model = _model,
                    Version = version,
                    Role = role,
                    Tensor = "y",
                    IsOutput = true,
                    Kind = "numbers",
                    StartedAt = startedAt ?? now,
                    EndedAt = now,
                    Requests = seen.Requests,
                    Values = [.. seen.Points.Select(p => p.Value)],
                    Weights = [.. seen.Points.Select(p => p.Weight)],
                },
            ],
            Cancellation);
    }

    private async Task<TrafficPolicy> PolicyAsync() =>
        (await _replicas[0].GetRequiredService<TrafficPolicyStore>().FindAsync(_model, Cancellation))!;

    private Task<IReadOnlyList<DecisionStatus>> DecisionsAsync() =>
        _replicas[0].GetRequiredService<TrafficPolicyStore>().DecisionsAsync(_model, 10, Cancellation);

    private async Task CountAsync(
        ServiceProvider replica, string version, TrafficPolicy policy, int requests, int failed, double milliseconds = 5, decimal cost = 0)
    {
        var outcomes = replica.GetRequiredService<TrafficOutcomes>();
        var compute = TimeSpan.FromMilliseconds(milliseconds);
        for (var i = 0; i < requests; i++)
        {
            outcomes.Record(
                _model, version, policy.Since, new RequestOutcome(i < failed, i < failed ? null : compute, compute, i < failed ? 0 : cost));
        }

        await outcomes.FlushAsync();
    }

    /// <summary>Both replicas at once, each with the settings as they are now.</summary>
    private async Task<List<Rollback>> JudgeAsync()
    {
        var fresh = _replicas.Select(
            r => ActivatorUtilities.CreateInstance<CanaryJudge>(r, ActivatorUtilities.CreateInstance<ModelCatalog>(r)));
        var rollbacks = await Task.WhenAll(fresh.Select(j => j.JudgeAsync(Cancellation)));
        return [.. rollbacks.SelectMany(r => r).Where(r => r.Model == _model)];
    }
}
