using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using Microsoft.Extensions.Time.Testing;

namespace InferenceTemplate.Tests.Unit.Api.Auth;

public sealed class ExpiringCacheTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ExpiringCache<string, string> _cache;

    public ExpiringCacheTests() => _cache = new(_time, StringComparer.Ordinal);

    [Theory, InlineData(false), InlineData(true)]
    public async Task Database_that_does_not_answer_is_away_for_who_is_not_known(bool orLast)
    {
        var unanswered = new TaskCompletionSource<string?>();
        var answer = orLast ? _cache.GetOrLastAsync("key", _ => unanswered.Task) : _cache.GetAsync("key", _ => unanswered.Task);

        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(answer.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.True(Outages.IsDatabaseAway((await Record.ExceptionAsync(() => answer))!));
    }

    [Fact]
    public async Task Last_answer_is_given_while_the_database_does_not_answer()
    {
        Assert.Equal("first", await _cache.GetOrLastAsync("key", _ => Task.FromResult<string?>("first")));
        _time.Advance(TimeSpan.FromSeconds(1));

        var answer = _cache.GetOrLastAsync("key", _ => new TaskCompletionSource<string?>().Task);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal("first", await answer);
    }

    [Fact]
    public async Task Answer_is_asked_for_again_after_a_second()
    {
        var asked = 0;
        Task<string?> Query(string key) => Task.FromResult<string?>($"{++asked}");

        Assert.Equal("1", await _cache.GetAsync("key", Query));
        _time.Advance(TimeSpan.FromSeconds(0.9));
        Assert.Equal("1", await _cache.GetAsync("key", Query));
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal("2", await _cache.GetAsync("key", Query));
    }

    [Fact]
    public async Task Clock_that_is_set_back_keeps_no_answer_longer()
    {
        var asked = 0;
        Task<string?> Query(string key) => Task.FromResult<string?>($"{++asked}");
        var clock = new SetBack(_time);
        var cache = new ExpiringCache<string, string>(clock, StringComparer.Ordinal);
        await cache.GetAsync("key", Query);

        clock.By = TimeSpan.FromHours(1);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("2", await cache.GetAsync("key", Query));
    }

    // What is measured goes on as before.
    private sealed class SetBack(FakeTimeProvider time) : TimeProvider
    {
        public TimeSpan By { get; set; }

        public override long TimestampFrequency => time.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow() - By;

        public override long GetTimestamp() => time.GetTimestamp();
    }
}
