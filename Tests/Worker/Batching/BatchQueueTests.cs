using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>Which requests share a run, and which goes first.</summary>
public sealed class BatchQueueTests : BatchQueueTest
{
    [Fact]
    public void Requests_of_one_shape_share_a_run()
    {
        var queue = Queue(maxRows: 8);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [3, 2]);

        Assert.Equal(["a", "b"], Take(queue));
        Assert.Null(Take(queue));
    }

    [Fact]
    public void Request_with_an_optional_input_shares_its_run_with_none()
    {
        var queue = Queue(maxRows: 8);
        var signature = Requests.Signature(-1, 2) with { OptionalInputs = [new("shift", Datatype.Fp32, [])] };
        Tensor[] inputs = [Requests.Floats("shift", [], 5), Requests.Floats("x", [1, 2], 1, 2)];
        var shifted = PendingRequest.Create(signature, Requests.Queued("shifted", inputs), batched: true)!;
        Add(queue, "a", [1, 2]);
        queue.Add(shifted, Now);
        Add(queue, "b", [1, 2]);

        Assert.Equal(["x", "shift"], shifted.Inputs.Select(i => i.Name));
        Assert.Equal(1, shifted.Rows);
        Assert.Equal(["a,b", "shifted"], new[] { Take(queue), Take(queue) }.Select(run => string.Join(',', run!)).Order());
        Assert.Null(Take(queue));
    }

    [Fact]
    public void Preferred_sizes_do_not_go_beyond_what_the_device_has_memory_for()
    {
        var tuner = new BatchTuner(8);
        var queue = new BatchQueue(Rules(8, Delay, preferred: [8]), tuner, sharesRuns: true);
        tuner.Cap(2);
        foreach (var id in (string[])["a", "b", "c", "d"])
        {
            Add(queue, id, [1, 2]);
        }

        Assert.Equal(["a", "b"], Take(queue));
        Assert.Equal(["c", "d"], Take(queue));
    }

    [Fact]
    public void Batch_ends_before_it_would_exceed_the_maximum()
    {
        var queue = Queue(maxRows: 4);
        Add(queue, "a", [3, 2]);
        Add(queue, "b", [2, 2]);
        Add(queue, "c", [2, 2]);

        Assert.Equal(["a"], Take(queue));
        Assert.Equal(["b", "c"], Take(queue));
    }

    [Fact]
    public void Request_larger_than_the_maximum_runs_alone()
    {
        var queue = Queue(maxRows: 4);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [100, 2]);
        Add(queue, "c", [1, 2]);

        Assert.Equal(["a"], Take(queue));
        Assert.Equal(["b"], Take(queue));
        Assert.Equal(["c"], Take(queue));
    }

    [Fact]
    public void Requests_that_wait_run_alone_once_the_model_is_not_to_be_batched()
    {
        var queue = Queue(maxRows: 8);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [1, 2]);

        queue.Separate();
        Add(queue, "c", [1, 2]);

        Assert.Equal(["a"], Take(queue));
        Assert.Equal(["b"], Take(queue));
        Assert.Equal(["c"], Take(queue));
    }

    [Fact]
    public void Request_whose_inputs_disagree_on_its_rows_runs_alone()
    {
        // Its Api knew of no batching yet. Two such requests together would agree again, and be cut in the wrong places.
        var signature = new ModelSignature(
            [new("x", Datatype.Fp32, [-1]), new("z", Datatype.Fp32, [-1])], [new("y", Datatype.Fp32, [-1])]);
        var queue = Queue(maxRows: 8);
        foreach (var (id, x, z) in new[] { ("a", 1, 2), ("b", 2, 1), ("c", 1, 1), ("d", 1, 1) })
        {
            Tensor[] inputs = [Requests.Floats("x", [x], new float[x]), Requests.Floats("z", [z], new float[z])];
            queue.Add(PendingRequest.Create(signature, Requests.Queued(id, inputs), batched: true)!, Now);
        }

        Assert.Equal(["a"], Take(queue));
        Assert.Equal(["b"], Take(queue));
        Assert.Equal(["c", "d"], Take(queue));
    }

    [Fact]
    public void Requests_of_different_shapes_run_separately()
    {
        var queue = Queue(maxRows: 8);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [1, 3]);
        Add(queue, "c", [1, 2]);

        Assert.Equal(["a", "c"], Take(queue));
        Assert.Equal(["b"], Take(queue));
    }

    [Fact]
    public void Requests_of_different_shapes_share_a_run_when_they_are_padded()
    {
        var queue = Queue(maxRows: 8, ragged: RaggedShapes.Pad);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [1, 3]);

        Assert.Equal(["a", "b"], Take(queue));
    }

    [Fact]
    public void Padding_never_blows_a_batch_up_beyond_the_bound_of_bytes()
    {
        var queue = Queue(maxRows: 8, ragged: RaggedShapes.Pad, maxBytes: 1000);
        Add(queue, "a", [2, 2]);
        Add(queue, "b", [1, 80]); // 3 rows of 80 floats are 960 bytes,
        Add(queue, "c", [1, 2]);  // 4 are 1,280.

        Assert.Equal(["a", "b"], Take(queue));
        Assert.Equal(["c"], Take(queue));
    }

    [Fact]
    public void Run_may_take_as_long_as_its_last_call_waits_and_a_job_as_long_as_jobs_may_run()
    {
        var soon = Requests.Pending("a", [1, 2], deadline: Now.AddSeconds(1));
        var later = Requests.Pending("b", [1, 2], deadline: Now.AddSeconds(5));
        var job = Requests.Pending("c", [1, 2], deadline: Now.AddSeconds(1), kind: RequestKind.Job);

        var ofJob = TimeSpan.FromSeconds(3);

        Assert.Equal(TimeSpan.FromSeconds(5), BatchRunner.TimeFor([soon, later], Now, ofJob));
        Assert.Equal(TimeSpan.Zero, BatchRunner.TimeFor([soon], Now.AddSeconds(2), ofJob));
        Assert.Equal(ofJob, BatchRunner.TimeFor([soon, job], Now.AddSeconds(2), ofJob));
        Assert.Equal(TimeSpan.FromSeconds(5), BatchRunner.TimeFor([later, job], Now, ofJob));
    }

    [Fact]
    public void Empty_requests_that_are_too_large_padded_to_each_other_run_apart()
    {
        var queue = Queue(maxRows: 8, ragged: RaggedShapes.Pad);
        Add(queue, "a", [1, 0, 1 << 24, 1 << 24]);
        Add(queue, "b", [1, 1 << 24, 0, 0]);

        Assert.Equal(["a"], Take(queue));
        Assert.Equal(["b"], Take(queue));
    }

    [Fact]
    public void Requests_run_alone_when_the_model_fixes_its_first_dimension()
    {
        var queue = new BatchQueue(Rules(maxRows: 8), new BatchTuner(8), sharesRuns: false);
        Add(queue, "a", [1, 2]);
        Add(queue, "b", [1, 2]);

        Assert.Equal(["a"], Take(queue));
        Assert.Equal(["b"], Take(queue));
    }

    [Fact]
    public void Request_that_ended_a_worker_before_runs_alone()
    {
        var queue = Queue(maxRows: 8);
        Add(queue, "a", [1, 2]);
        queue.Add(Requests.Pending("suspect", [1, 2], deliveries: 2), Now);
        Add(queue, "b", [1, 2]);

        Assert.Equal(["a", "b"], Take(queue));
        Assert.Equal(["suspect"], Take(queue));
    }

    [Fact]
    public void Higher_priority_goes_first_and_order_is_kept_within_one()
    {
        var queue = Queue(maxRows: 2);
        Add(queue, "low1", [1, 2], Priority.Low);
        Add(queue, "normal1", [1, 2]);
        Add(queue, "high1", [1, 2], Priority.High);
        Add(queue, "normal2", [1, 2]);
        Add(queue, "high2", [1, 2], Priority.High);
        Add(queue, "low2", [1, 2], Priority.Low);
        Add(queue, "shadow", [1, 2], Priority.Shadow);

        Assert.Equal(["high1", "normal1"], Take(queue));
        Assert.Equal(["high2", "normal2"], Take(queue));
        Assert.Equal(["low1", "low2"], Take(queue));
        Assert.Equal(["shadow"], Take(queue));
    }

    [Fact]
    public void Low_priority_is_served_though_high_priority_never_ends()
    {
        var queue = Queue(maxRows: 4);
        Add(queue, "low", [1, 2], Priority.Low);
        var batches = 0;
        for (var served = false; !served; batches++)
        {
            for (var i = 0; i < 4; i++)
            {
                Add(queue, "high", [1, 2], Priority.High);
            }

            served = Take(queue)!.Contains("low");
            Assert.True(batches < 10, "starved");
        }

        Assert.True(batches > 2, "not overtaken");
    }

    [Fact]
    public void Removed_requests_never_run_and_no_longer_count()
    {
        var queue = Queue(maxRows: 4, delay: Delay);
        Add(queue, "a", [3, 2]);
        Add(queue, "b", [1, 3]);

        var removed = queue.Remove(r => r.Queued.EntryId == "a");

        Assert.Equal(["a"], removed.Select(r => r.Queued.EntryId));
        Assert.Equal((1, 1, 12L), (queue.Count, queue.Rows, queue.Bytes));
        Now += Delay;
        Assert.Equal(["b"], Take(queue));
        Assert.Null(queue.NextDue());
    }
}
