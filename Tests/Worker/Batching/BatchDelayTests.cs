using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>How long a batch that is not full waits for more.</summary>
public sealed class BatchDelayTests : BatchQueueTest
{
    [Fact]
    public void Full_batch_goes_at_once()
    {
        var queue = Queue(maxRows: 4, delay: Delay);
        Add(queue, "a", [2, 2]);
        Assert.Null(Take(queue));

        Add(queue, "b", [2, 2]);
        Assert.Equal(["a", "b"], Take(queue));
    }

    [Fact]
    public void Batch_that_is_not_full_goes_when_its_oldest_request_has_waited_the_delay()
    {
        var queue = Queue(maxRows: 4, delay: Delay);
        Add(queue, "a", [1, 2]);
        Now += 0.6 * Delay;
        Add(queue, "b", [1, 2]);
        Assert.Null(Take(queue));
        Assert.Equal(Requests.Start + Delay, queue.NextDue());

        Now = Requests.Start + Delay;
        Assert.Equal(["a", "b"], Take(queue));
    }

    [Fact]
    public void Time_spent_in_the_queue_counts_towards_the_delay()
    {
        var queue = Queue(maxRows: 4, delay: Delay);
        queue.Add(Requests.Pending("a", [1, 2], at: Now - Delay), Now);

        Assert.Equal(["a"], Take(queue));
    }

    [Fact]
    public void Clock_of_another_host_that_is_ahead_does_not_prolong_the_delay()
    {
        var queue = Queue(maxRows: 4, delay: Delay);
        queue.Add(Requests.Pending("a", [1, 2], at: Now.AddHours(1)), Now);

        Now += Delay;
        Assert.Equal(["a"], Take(queue));
    }

    [Fact]
    public void Nearest_deadline_cuts_the_delay_short_by_what_the_run_takes()
    {
        var tuner = new BatchTuner(4);
        for (var i = 0; i < 3; i++)
        {
            tuner.Record(4, TimeSpan.FromMilliseconds(40));
        }

        var queue = new BatchQueue(Rules(maxRows: 4, delay: Delay), tuner, sharesRuns: true);
        Add(queue, "a", [1, 2]);
        queue.Add(Requests.Pending("b", [1, 2], at: Now, deadline: Now.AddMilliseconds(90)), Now);
        Assert.Null(Take(queue));

        // Two rows are expected to take 20 ms; twice that is left for it.
        Assert.Equal(Requests.Start.AddMilliseconds(50), queue.NextDue());
        Now = Requests.Start.AddMilliseconds(50);
        Assert.Equal(["a", "b"], Take(queue));
    }

    [Fact]
    public void Batch_of_a_preferred_size_goes_without_waiting()
    {
        var queue = Queue(maxRows: 8, delay: Delay, preferred: [2, 4]);
        Add(queue, "a", [1, 2]);
        Assert.Null(Take(queue));

        Add(queue, "b", [1, 2]);
        Assert.Equal(["a", "b"], Take(queue));
    }

    [Fact]
    public void Largest_preferred_size_is_taken()
    {
        var queue = Queue(maxRows: 8, delay: Delay, preferred: [2, 4]);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [2, 2]);
        Add(queue, "c", [1, 2]);
        Add(queue, "d", [1, 2]);

        Assert.Equal(["a", "b", "c"], Take(queue));
        Assert.Null(Take(queue));
    }

    [Fact]
    public void What_meets_no_preferred_size_goes_after_the_delay()
    {
        var queue = Queue(maxRows: 8, delay: Delay, preferred: [4]);
        Add(queue, "a", [3, 2]);
        Now += Delay;

        Assert.Equal(["a"], Take(queue));
    }

    [Fact]
    public void Shape_that_waits_does_not_hold_up_one_that_is_full()
    {
        var queue = Queue(maxRows: 2, delay: Delay);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [1, 3]);
        Add(queue, "c", [1, 3]);

        Assert.Equal(["b", "c"], Take(queue));
        Assert.Null(Take(queue));
    }
}
