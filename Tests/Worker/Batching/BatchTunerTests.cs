using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>The tuner against cost functions: what a run of so many rows takes.</summary>
public sealed class BatchTunerTests
{
    // Reading the weights dominates: 10 ms however many rows, and a little for each.
    private static TimeSpan WeightBound(int rows) => TimeSpan.FromMilliseconds(10 + (0.1 * rows));

    // A convnet as it was measured: eight rows cost 8 % more together than one by one.
    private static TimeSpan Convnet(int rows) => TimeSpan.FromMilliseconds(8 * rows * (rows == 1 ? 1 : 1.08));

    // What one can do with caches: best in the middle.
    private static TimeSpan Cached(int rows) => TimeSpan.FromMilliseconds(rows <= 8 ? 2 + rows : 2 * rows);

    [Fact]
    public void Model_bound_by_its_weights_runs_in_the_largest_batches()
    {
        var tuner = Learned(WeightBound);

        Assert.Equal(32, tuner.Best);
        Assert.Equal(32, tuner.Limit(100));
        Assert.Equal(20, tuner.Limit(20));
    }

    [Fact]
    public void Model_that_loses_by_batching_runs_one_by_one()
    {
        var tuner = Learned(Convnet);

        Assert.Equal(1, tuner.Best);
        Assert.Equal(1, tuner.Limit(100));
        Assert.Equal(1, tuner.Limit(3));
    }

    [Fact]
    public void Best_size_is_found_between_one_and_the_maximum()
    {
        var tuner = Learned(Cached);

        Assert.Equal(8, tuner.Best);
        Assert.Equal(8, tuner.Limit(32));
        Assert.Equal(5, tuner.Limit(5));
    }

    [Fact]
    public void Batching_costs_nothing_to_speak_of_where_it_is_worth_nothing()
    {
        var tuner = new BatchTuner(32);
        var (rows, time) = (0, TimeSpan.Zero);
        while (rows < 20_000)
        {
            var run = tuner.Limit(64);
            tuner.Record(run, Convnet(run));
            rows += run;
            time += Convnet(run);
        }

        Assert.InRange(time / (rows * Convnet(1)), 1, 1.01);
    }

    [Fact]
    public void Exploring_costs_a_model_that_gains_by_batching_less_than_two_in_a_hundred()
    {
        var tuner = new BatchTuner(32);
        var (rows, time) = (0, TimeSpan.Zero);
        while (rows < 50_000)
        {
            var run = tuner.Limit(64);
            tuner.Record(run, WeightBound(run));
            rows += run;
            time += WeightBound(run);
        }

        Assert.InRange(time / (WeightBound(32) * (rows / 32.0)), 1, 1.02);
    }

    [Fact]
    public void Change_of_what_a_run_costs_is_noticed()
    {
        var tuner = Learned(Convnet);

        for (var i = 0; i < 64 * 9 * 2 * 6; i++)
        {
            var run = tuner.Limit(64);
            tuner.Record(run, WeightBound(run));
        }

        Assert.Equal(32, tuner.Best);
    }

    [Fact]
    public void Run_that_was_interrupted_changes_nothing()
    {
        var tuner = Learned(WeightBound);

        tuner.Record(32, TimeSpan.FromSeconds(5));

        Assert.Equal(32, tuner.Best);
        Assert.Equal(WeightBound(32), tuner.Expected(32));
    }

    [Fact]
    public void Differences_within_the_noise_do_not_favour_larger_batches()
    {
        var tuner = Learned(rows => TimeSpan.FromMilliseconds(rows * (rows == 1 ? 1 : 0.99)));

        Assert.Equal(1, tuner.Best);
    }

    [Fact]
    public void Unknown_size_is_tried_as_soon_as_enough_requests_wait()
    {
        var tuner = new BatchTuner(32);
        for (var i = 0; i < 3; i++)
        {
            tuner.Record(1, TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(32, tuner.Limit(64));
        Assert.Equal(7, tuner.Limit(7));
        Assert.Equal(1, tuner.Limit(1));
    }

    [Fact]
    public void What_few_requests_show_holds_though_the_largest_size_was_never_seen()
    {
        var tuner = new BatchTuner(32);
        foreach (var rows in (int[])[1, 2, 4, 8])
        {
            for (var i = 0; i < 3; i++)
            {
                tuner.Record(rows, Convnet(rows));
            }
        }

        Assert.Equal(1, tuner.Best);
        Assert.Equal(1, tuner.Limit(8));
    }

    [Fact]
    public void Capped_tuner_never_gives_more()
    {
        var tuner = Learned(WeightBound);

        tuner.Cap(4);

        Assert.Equal(4, tuner.Best);
        Assert.Equal(4, tuner.Limit(100));
    }

    [Fact]
    public void Maximum_that_is_no_power_of_two_is_used_in_full()
    {
        var tuner = new BatchTuner(50);
        for (var i = 0; i < 100; i++)
        {
            var run = tuner.Limit(1000);
            tuner.Record(run, WeightBound(run));
        }

        Assert.Equal(50, tuner.Best);
        Assert.Equal(50, tuner.Limit(1000));
    }

    private static BatchTuner Learned(Func<int, TimeSpan> cost)
    {
        var tuner = new BatchTuner(32);
        for (var i = 0; i < 40; i++)
        {
            var rows = tuner.Limit(64);
            tuner.Record(rows, cost(rows));
        }

        return tuner;
    }
}
