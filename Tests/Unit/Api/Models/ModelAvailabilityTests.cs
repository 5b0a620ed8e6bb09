using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Fleet;

namespace InferenceTemplate.Tests.Unit;

public sealed class ModelAvailabilityTests
{
    private static readonly DateTimeOffset Soon = DateTimeOffset.UnixEpoch.AddSeconds(5);
    private static readonly DateTimeOffset Later = DateTimeOffset.UnixEpoch.AddSeconds(50);

    [Fact]
    public void Version_is_unloadable_when_every_ready_worker_failed_to_load_it()
    {
        var unloadable = ModelAvailability.Unloadable(
            [Worker(failed: ("m/1", Later)), Worker(failed: ("m/1", Soon)), Worker(ready: false)]);

        Assert.Equal(Soon, Assert.Single(unloadable).Value.RetryAt);
    }

    [Fact]
    public void Version_is_not_unloadable_while_a_worker_has_not_tried_or_has_it_open()
    {
        Assert.Empty(ModelAvailability.Unloadable([Worker(failed: ("m/1", Soon)), Worker()]));
        Assert.Empty(ModelAvailability.Unloadable([Worker(failed: ("m/1", Soon), open: "m/1")]));
        Assert.Empty(ModelAvailability.Unloadable([]));
    }

    [Fact]
    public void State_is_that_of_the_worker_that_can_answer_soonest()
    {
        Assert.Equal(ModelState.Unavailable, ModelStates.StateOf([], "m/1"));
        Assert.Equal(ModelState.Unavailable, ModelStates.StateOf([Worker(failed: ("m/1", Soon))], "m/1"));
        Assert.Equal(ModelState.Loading, ModelStates.StateOf([Worker(failed: ("m/1", Soon)), Worker(ready: false)], "m/1"));
        Assert.Equal(ModelState.Cold, ModelStates.StateOf([Worker(failed: ("m/1", Soon)), Worker(open: "m/2")], "m/1"));
        Assert.Equal(ModelState.Ready, ModelStates.StateOf([Worker(), Worker(open: "m/1")], "m/1"));
    }

    private static WorkerStatus Worker(bool ready = true, string? open = null, (string Model, DateTimeOffset RetryAt)? failed = null) =>
        new("w", "host", DateTimeOffset.UnixEpoch, ready, "cpu", "CPUExecutionProvider", open is null ? [] : [open], 0, 0, 0, 0)
        {
            Failures = failed is { } f ? [new ModelFailure(f.Model, "reason", f.RetryAt)] : [],
        };
}
