using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Queue;
using Microsoft.Extensions.Time.Testing;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class QueueRejectionTests
{
    private static readonly QueueName Queue = new("digits", "1");

    private readonly FakeTimeProvider _time = new();
    private readonly QueueRejections _rejections;

    public QueueRejectionTests() => _rejections = new QueueRejections(_time);

    [Fact]
    public void Queue_that_was_full_is_full_for_a_moment_for_any_size()
    {
        Full(depth: 1000, removed: 0);

        Assert.NotNull(_rejections.Refuses(Queue, 10));
        Assert.NotNull(_rejections.Refuses(Queue, null));
        _time.Advance(TimeSpan.FromSeconds(0.251));
        Assert.Null(_rejections.Refuses(Queue, 10));
    }

    [Fact]
    public void Other_queue_is_not_affected()
    {
        Full(depth: 1000, removed: 0);

        Assert.Null(_rejections.Refuses(new QueueName("digits", "2"), 10));
    }

    [Fact]
    public void Rejection_lasts_as_long_as_a_fiftieth_of_the_queue_takes_to_drain()
    {
        Drains(perSecond: 400);

        Full(depth: 1000, removed: 800);

        // 1000 / 50 / 400 = 50 ms.
        _time.Advance(TimeSpan.FromSeconds(0.049));
        Assert.NotNull(_rejections.Refuses(Queue, 10));
        _time.Advance(TimeSpan.FromSeconds(0.002));
        Assert.Null(_rejections.Refuses(Queue, 10));
    }

    [Fact]
    public void Rejection_lasts_a_quarter_of_a_second_at_most_when_nothing_drains()
    {
        Drains(perSecond: 0);

        Full(depth: 1000, removed: 0);

        _time.Advance(TimeSpan.FromSeconds(0.249));
        Assert.NotNull(_rejections.Refuses(Queue, 10));
        _time.Advance(TimeSpan.FromSeconds(0.002));
        Assert.Null(_rejections.Refuses(Queue, 10));
    }

    [Fact]
    public void Queue_full_of_bytes_refuses_only_what_is_as_large()
    {
        _rejections.Learn(Queue, new Admission(EnqueueOutcome.FullOfBytes, 3, 1_000_000, 0), Priority.Normal, contentLength: 5_000);

        Assert.NotNull(_rejections.Refuses(Queue, 5_000));
        Assert.Null(_rejections.Refuses(Queue, 4_999));
        Assert.Null(_rejections.Refuses(Queue, null));
    }

    [Fact]
    public void Shadow_work_that_is_refused_says_nothing_of_other_work()
    {
        _rejections.Learn(Queue, new Admission(EnqueueOutcome.Full, 500, 0, 0), Priority.Shadow, 10);
        _rejections.Learn(Queue, new Admission(EnqueueOutcome.FullOfBytes, 500, 0, 0), Priority.Shadow, 10);

        Assert.Null(_rejections.Refuses(Queue, 10));
    }

    [Theory]
    [InlineData(100, 500, 5)]
    [InlineData(1_000, 10, 1)]
    [InlineData(1, 1_000, 60)]
    [InlineData(0, 10, 60)]
    public void Retry_after_is_the_time_that_the_queue_takes_to_drain(double perSecond, long depth, int seconds)
    {
        Drains(perSecond);

        Assert.Equal(seconds, _rejections.RetryAfter(Queue, depth));
    }

    [Fact]
    public void Retry_after_is_a_second_while_the_rate_is_not_known() => Assert.Equal(1, _rejections.RetryAfter(Queue, 1_000));

    [Fact]
    public void Rate_is_that_of_the_last_second()
    {
        Drains(perSecond: 100);
        _time.Advance(TimeSpan.FromSeconds(2));
        _rejections.Observe(Queue, 200 + 20);

        Assert.Equal(10, _rejections.DrainRate(Queue));
    }

    [Fact]
    public void Rate_is_not_negative_when_redis_lost_its_data()
    {
        Drains(perSecond: 100);
        _time.Advance(TimeSpan.FromSeconds(2));
        _rejections.Observe(Queue, 5);
        Assert.Equal(100, _rejections.DrainRate(Queue));

        _time.Advance(TimeSpan.FromSeconds(1));
        _rejections.Observe(Queue, 12);
        Assert.Equal(7, _rejections.DrainRate(Queue));
    }

    private void Full(long depth, long removed) =>
        _rejections.Learn(Queue, new Admission(EnqueueOutcome.Full, depth, 0, removed), Priority.Normal, 10);

    private void Drains(double perSecond)
    {
        _rejections.Observe(Queue, 0);
        _time.Advance(TimeSpan.FromSeconds(2));
        _rejections.Observe(Queue, (long)(2 * perSecond));
    }
}
