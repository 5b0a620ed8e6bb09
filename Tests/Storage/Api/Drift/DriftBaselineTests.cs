using System.Diagnostics.Metrics;
using InferenceTemplate.Api;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Retention;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class DriftBaselineTests(Servers servers)
{
    private static readonly DriftSettings s_settings = new() { Enabled = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task First_thousand_requests_of_all_replicas_become_the_baseline_once()
    {
        await using var database = await WithModelAsync();
        DriftBaselines[] replicas = [database.Get<DriftBaselines>(), database.Replica().GetRequiredService<DriftBaselines>()];
        for (var i = 0; i < 3; i++)
        {
            await WriteAsync(database, "1", 0, ago: 30 - i);
        }

        Assert.False(await database.Get<DriftBaselines>().FixFirstAsync("m", "1", Cancellation));
        await WriteAsync(database, "1", 0, ago: 20);
        await WriteAsync(database, "1", 5, ago: 1);
        await WriteAsync(database, "1", 5, ago: 0);

        var fixedBy = await Task.WhenAll(replicas.Select(r => r.FixFirstAsync("m", "1", Cancellation)));

        Assert.Single(fixedBy, each => each);
        var seen = await database.Get<DriftReader>().ReadAsync("m", "1", s_settings, Cancellation);
        Assert.Equal((1_000, TrafficDecision.Automatic, 500), (seen.Baseline!.Requests, seen.Baseline.Actor, seen.Requests));
        Assert.True(seen.HasDrifted);
        Assert.Equal(
            "of 1000 requests",
            await database.ScalarAsync<string>("SELECT left(details, 16) FROM model_events WHERE kind = 'baseline_fixed'"));
    }

    [Fact]
    public async Task Baseline_that_is_fixed_anew_replaces_the_one_before_and_ends_the_drift()
    {
        await using var database = await WithModelAsync();
        for (var i = 0; i < 4; i++)
        {
            await WriteAsync(database, "1", 0, ago: 40);
        }

        Assert.Null(await database.Get<DriftBaselines>().FixAsync("m", "1", "tester", Cancellation));
        await WriteAsync(database, "1", 5, ago: 2);
        await WriteAsync(database, "1", 5, ago: 1);
        var drifted = await database.Get<DriftReader>().ReadAsync("m", "1", s_settings, Cancellation);
        await database.ExecuteAsync("DELETE FROM drift_windows WHERE started_at < now() - interval '10 minutes'");

        Assert.Null(await database.Get<DriftBaselines>().FixAsync("m", "1", "tester", Cancellation));

        var steady = await database.Get<DriftReader>().ReadAsync("m", "1", s_settings, Cancellation);
        Assert.Equal((true, false), (drifted.HasDrifted, steady.HasDrifted));
        Assert.Equal((500, "tester"), (steady.Baseline!.Requests, steady.Baseline.Actor));
    }

    [Fact]
    public async Task Too_few_requests_are_no_baseline_and_are_not_compared()
    {
        await using var database = await WithModelAsync();
        await WriteAsync(database, "1", 0, ago: 2);

        var problem = await database.Get<DriftBaselines>().FixAsync("m", "1", "tester", Cancellation);

        Assert.Equal(
            (RegistryProblemKind.Conflict, "250 requests of m/1 were looked at within a day; a baseline needs 300."),
            (problem!.Kind, problem.Message));
        await WriteAsync(database, "1", 0, ago: 2);
        Assert.Null(await database.Get<DriftBaselines>().FixAsync("m", "1", "tester", Cancellation));
        await database.ExecuteAsync("UPDATE drift_windows SET ended_at = now() - interval '2 hours'");
        await WriteAsync(database, "1", 5, ago: 0);
        var seen = await database.Get<DriftReader>().ReadAsync("m", "1", s_settings, Cancellation);
        Assert.Equal((250, false), (seen.Requests, seen.HasDrifted));
        Assert.All(seen.Tensors, tensor => Assert.Null(tensor.Comparison));
    }

    [Fact]
    public async Task Version_with_other_tensors_is_compared_with_its_own_baseline()
    {
        await using var database = await WithModelAsync();
        for (var i = 0; i < 2; i++)
        {
            await WriteAsync(database, "1", 0, ago: 2);
            await WriteAsync(database, "2", 50, ago: 2, tensor: "z");
        }

        Assert.Null(await database.Get<DriftBaselines>().FixAsync("m", "1", "tester", Cancellation));
        Assert.Null(await database.Get<DriftBaselines>().FixAsync("m", "2", "tester", Cancellation));

        var seen = await database.Get<DriftReader>().ReadAsync("m", "2", s_settings, Cancellation);
        Assert.Equal(("z", false), Assert.Single(seen.Tensors.Select(t => (t.Tensor, t.HasDrifted))));
    }

    [Fact]
    public async Task Windows_whose_commit_was_not_answered_take_no_later_ones_along()
    {
        await using var database = await WithModelAsync();
        await using var way = new LossyConnection(database.ConnectionString);
        var telemetry = new Telemetry(database.Get<IMeterFactory>());
        var sampler = ActivatorUtilities.CreateInstance<DriftSampler>(database.Services, telemetry);
        using var gathering = ActivatorUtilities.CreateInstance<DriftGathering>(
            database.Services, sampler, new DriftStore(way.Source), telemetry);
        Sample("1");
        await gathering.GatherAsync(stops: false, Cancellation);

        Sample("2");
        way.LoseNextAnswer();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => gathering.GatherAsync(stops: false, Cancellation));
        Sample("3");
        await gathering.GatherAsync(stops: false, Cancellation);

        Assert.Equal("1,2,3", await database.ScalarAsync<string>("SELECT string_agg(version, ',' ORDER BY version) FROM drift_windows"));

        void Sample(string version)
        {
            var served = new ModelVersion
            {
                Model = "m",
                Version = version,
                Platform = "onnx",
                Sha256 = "",
                Signature = new ModelSignature([], []),
            };
            var routed = new RoutedModel(served, new ModelSettings { Drift = s_settings }, TrafficRole.Stable, Shadow: null);
            for (var i = 0; i < DriftWindows.MaxRequests; i++)
            {
                sampler.Take(routed, [new Tensor("x", Datatype.Fp32, [1], new byte[4])], []);
            }
        }
    }

    [Fact]
    public async Task Windows_go_with_their_days_and_baselines_stay()
    {
        await using var database = await WithModelAsync();
        await WriteAsync(database, "1", 0, ago: 2);
        await WriteAsync(database, "1", 0, ago: 2);
        await database.Get<DriftBaselines>().FixAsync("m", "1", "tester", Cancellation);
        await database.ExecuteAsync("UPDATE drift_windows SET ended_at = now() - interval '8 days'");

        var deleted = await database.Get<RetentionRun>().RunAsync("tester", Cancellation);

        Assert.Equal(new ExpiredRows("drift_windows", null, 7, 2), Assert.Single(deleted!));
        Assert.NotEmpty(await database.Get<DriftStore>().BaselineAsync("m", "1", Cancellation));
    }

    private async Task<OwnDatabase> WithModelAsync()
    {
        var database = await OwnDatabase.CreateAsync(servers);
        await using var context = await database.Get<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(Cancellation);
        var now = DateTimeOffset.UtcNow;
        context.Models.Add(new Model { Name = "m", Settings = new ModelSettings(), CreatedAt = now, UpdatedAt = now });
        foreach (var version in (string[])["1", "2"])
        {
            context.ModelVersions.Add(new ModelVersion
            {
                Model = "m",
                Version = version,
                Platform = "onnxruntime_onnx",
                Sha256 = new string('0', 64),
                Signature = new ModelSignature([], []),
                RegisteredAt = now,
            });
        }

        await context.SaveChangesAsync(Cancellation);
        return database;
    }

    // A full window that ended some minutes ago.
    private static Task WriteAsync(OwnDatabase database, string version, double middle, int ago, string tensor = "x")
    {
        var random = new Random(ago);
        var seen = DriftDistribution.Of(
            [.. Enumerable.Range(0, 250).Select(_ => (double[])[middle + random.NextDouble()])], DriftDistribution.WindowPoints);
        var ended = DateTimeOffset.UtcNow.AddMinutes(-ago);
        return database.Get<DriftStore>().WriteAsync(
            [
                new DriftWindow
                {
                    Id = Guid.NewGuid(),
                    Model = "m",
                    Version = version,
                    Role = "stable",
                    Tensor = tensor,
                    Kind = "numbers",
                    StartedAt = ended.AddSeconds(-10),
                    EndedAt = ended,
                    Requests = seen.Requests,
                    Values = [.. seen.Points.Select(p => p.Value)],
                    Weights = [.. seen.Points.Select(p => p.Weight)],
                },
            ],
            Cancellation);
    }
}
