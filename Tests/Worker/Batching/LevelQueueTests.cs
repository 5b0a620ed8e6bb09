using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker.Batching;

public sealed class LevelQueueTests
{
    private readonly LevelQueue _queue = new();

    [Fact]
    public void Turns_are_sixteen_to_four_to_one_and_shadow_waits_for_all()
    {
        foreach (var priority in Enum.GetValues<Priority>())
        {
            Add(priority, 42);
        }

        Assert.Equal([32, 8, 2, 0], Take(42));
    }

    [Fact]
    public void Level_without_work_leaves_its_turns_to_the_higher_first()
    {
        Add(Priority.Normal, 42);
        Add(Priority.Low, 42);
        Add(Priority.Shadow, 5);

        Assert.Equal([0, 40, 2, 0], Take(42));
        Assert.Equal([0, 2, 40, 0], Take(42));
        Assert.Equal([0, 0, 0, 5], Take(5));
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public void Requests_of_a_level_keep_their_order_also_when_others_are_removed()
    {
        for (var i = 0; i < 6; i++)
        {
            _queue.Add(Requests.Pending($"{i}", [1, 1]));
        }

        List<PendingRequest> removed = [];
        _queue.Remove(r => r.Queued.EntryId is "1" or "4", removed);

        Assert.Equal(["1", "4"], removed.Select(r => r.Queued.EntryId));
        Assert.Equal(["0", "2", "3", "5"], Enumerable.Range(0, _queue.Count).Select(_ => _queue.Take().Queued.EntryId));
    }

    private void Add(Priority priority, int count)
    {
        for (var i = 0; i < count; i++)
        {
            _queue.Add(Requests.Pending($"{priority} {i}", [1, 1], priority));
        }
    }

    // How many of each level were among the next ones.
    private int[] Take(int count)
    {
        var taken = Enumerable.Range(0, count).Select(_ => _queue.Take().Request.Priority).ToList();
        return [.. Enum.GetValues<Priority>().Select(p => taken.Count(t => t == p))];
    }
}
