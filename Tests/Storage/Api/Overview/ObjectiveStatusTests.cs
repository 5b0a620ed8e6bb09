using InferenceTemplate.Api.Overview;
using InferenceTemplate.Core.Objectives;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

public sealed class ObjectiveStatusTests(Servers servers)
{
    private static readonly DateTimeOffset s_now = new(2026, 6, 15, 12, 0, 30, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Objectives_without_a_request_have_no_state_to_tell()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);

        var objectives = await ObjectiveStatus.ReadAsync(database.Source, s_now, Cancellation);

        Assert.All(objectives.Objectives, o => Assert.Equal(("no_traffic", null), (o.State, o.BudgetLeft)));
        Assert.All(objectives.Objectives.SelectMany(o => o.Burns), b => Assert.Equal((null, null, false), (b.LongRate, b.ShortRate, b.IsBurning)));
    }

    [Fact]
    public async Task Budget_and_burn_rates_are_those_of_the_requests_in_their_windows()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);

        // Twenty days ago all was well; three minutes ago 2 % failed and 30 % were slow; before that is after the period.
        await AddAsync(database, minutesAgo: 20 * 24 * 60, requests: 99_000, errors: 0, fast: 99_000);
        await AddAsync(database, minutesAgo: 3, requests: 1_000, errors: 20, fast: 700);
        await AddAsync(database, minutesAgo: 31 * 24 * 60, requests: 1_000_000, errors: 1_000_000, fast: 0);

        var objectives = (await ObjectiveStatus.ReadAsync(database.Source, s_now, Cancellation)).Objectives;

        var (availability, latency) = (objectives[0], objectives[1]);
        Assert.Equal(("availability", "burning", 100_000L, 20L), (availability.Name, availability.State, availability.Requests, availability.Bad));
        Assert.Equal(1 - (0.0002 / 0.001), availability.BudgetLeft!.Value, 9);
        Assert.Equal([20, 20, 20, 20], availability.Burns.Select(b => Math.Round(b.LongRate!.Value, 6)));
        Assert.Equal(["1h 5m P1", "6h 30m P2", "1d 2h P3", "3d 6h P3"], availability.Burns.Select(b => $"{b.LongWindow} {b.ShortWindow} P{b.Priority}"));
        Assert.All(availability.Burns, b => Assert.True(b.IsBurning));

        // 6 times as fast as it may: over the limits of the slow windows only.
        Assert.Equal(("latency", 300L), (latency.Name, latency.Bad));
        Assert.Equal([false, false, true, true], latency.Burns.Select(b => b.IsBurning));
    }

    [Fact]
    public async Task Burn_that_is_over_is_none_though_the_long_window_still_has_it()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await AddAsync(database, minutesAgo: 50, requests: 1_000, errors: 500, fast: 1_000);
        await AddAsync(database, minutesAgo: 2, requests: 1_000, errors: 0, fast: 1_000);

        var availability = (await ObjectiveStatus.ReadAsync(database.Source, s_now, Cancellation)).Objectives[0];

        Assert.Equal((250, 0, false), (Math.Round(availability.Burns[0].LongRate!.Value), availability.Burns[0].ShortRate, availability.Burns[0].IsBurning));
    }

    [Fact]
    public void Budget_that_is_spent_and_burns_no_more_is_exhausted()
    {
        var windows = ServiceObjectives.Burns.SelectMany(b => new[] { b.Long, b.Short }).Distinct()
            .ToDictionary(window => window, _ => new BadRequests(100, 0));
        windows[ServiceObjectives.Period] = new BadRequests(1_000, 2);

        var objective = ObjectiveStatus.Of("availability", 0.999, null, windows);

        Assert.Equal(("exhausted", -1d), (objective.State, Math.Round(objective.BudgetLeft!.Value, 9)));
    }

    [Fact]
    public async Task Minutes_that_were_summed_before_fast_ones_were_counted_are_no_slow_ones()
    {
        await using var database = await OwnDatabase.CreateAsync(servers);
        await AddAsync(database, minutesAgo: 10, requests: 1_000, errors: 0, fast: null);
        await AddAsync(database, minutesAgo: 2, requests: 100, errors: 0, fast: 99);

        var latency = (await ObjectiveStatus.ReadAsync(database.Source, s_now, Cancellation)).Objectives[1];

        Assert.Equal((100L, 1L), (latency.Requests, latency.Bad));
    }

    private static async Task AddAsync(OwnDatabase database, int minutesAgo, long requests, long errors, long? fast)
    {
        await using var command = database.Source.CreateCommand("""
            INSERT INTO traffic_minutes (minute, requests, errors, rejections, fast, p50, p95, p99)
            VALUES ($1, $2, $3, 0, $4, 0, 0, 0)
            """);
        command.Parameters.AddWithValue(s_now.AddSeconds(-30).AddMinutes(-minutesAgo));
        command.Parameters.AddWithValue(requests);
        command.Parameters.AddWithValue(errors);
        command.Parameters.Add(new() { Value = (object?)fast ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint });
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
