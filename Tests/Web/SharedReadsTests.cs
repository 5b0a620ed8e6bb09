using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Live;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Tests.Web;

public class SharedReadsTests
{
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(0.9);

    private readonly Clock _clock = new();
    private readonly SharedReads _reads;
    private readonly Dictionary<string, int> _asked = new(StringComparer.Ordinal);
    private ApiFailure? _failure;

    public SharedReadsTests() => _reads = new SharedReads(_clock);

    [Fact]
    public async Task Fifty_pages_of_one_key_ask_once_a_second_and_prove_each_token_every_thirty_seconds()
    {
        Session[] sessions = [.. Enumerable.Range(0, 50).Select(i => Of("ada", $"token-{i}"))];
        foreach (var session in sessions)
        {
            Assert.Equal("ada's", await ReadAsync(session));
        }

        Assert.Equal(50, _asked.Values.Sum());
        _asked.Clear();
        for (var second = 0; second < 60; second++)
        {
            _clock.Now += TimeSpan.FromSeconds(1);
            await Task.WhenAll(sessions.Select(session => ReadAsync(session)));
        }

        // Twice for each to prove itself, and once a second at most.
        Assert.InRange(_asked.Values.Sum(), 100, 160);
        Assert.All(sessions, session => Assert.InRange(_asked.GetValueOrDefault(session.AccessToken), 2, 60));
    }

    [Fact]
    public async Task Answer_is_never_shown_to_another_key_and_to_no_token_that_was_not_proved()
    {
        await ReadAsync(Of("ada", "first"));
        Assert.Equal("grace's", await ReadAsync(Of("grace", "second")));
        _failure = ApiFailure.Unauthorized;
        Assert.Null(await ReadAsync(Of("ada", "revoked")));
        Assert.Equal(1, _asked["revoked"]);

        // Nor is a refusal of one token shown to another.
        Assert.Equal("ada's", await ReadAsync(Of("ada", "first")));
    }

    [Fact]
    public async Task Api_that_is_away_is_asked_once_for_all_pages_and_what_it_said_is_not_shown_to_new_ones()
    {
        await ReadAsync(Of("ada", "first"));
        _failure = ApiFailure.Unreachable;
        _clock.Now += TimeSpan.FromSeconds(1);
        _asked.Clear();
        Assert.Null(await ReadAsync(Of("ada", "first")));
        Assert.Null(await ReadAsync(Of("ada", "second")));
        Assert.Equal(1, _asked.Values.Sum());

        _failure = null;
        _clock.Now += TimeSpan.FromSeconds(1);
        Assert.Equal("ada's", await ReadAsync(Of("ada", "first")));
        _failure = ApiFailure.Unauthorized;
        Assert.Null(await ReadAsync(Of("ada", "second")));
    }

    [Fact]
    public async Task Read_that_began_before_another_one_was_answered_changes_nothing_for_others()
    {
        var first = Of("ada", "first");
        await ReadAsync(first);
        var slow = new TaskCompletionSource<ApiResult<string>>();
        var second = _reads.ReadAsync(Of("ada", "second"), "overview", Age, () => slow.Task, TestContext.Current.CancellationToken);
        _clock.Now += TimeSpan.FromSeconds(1);
        await ReadAsync(first);
        slow.SetResult(ApiResult<string>.Failed(ApiFailure.Unreachable, ""));
        Assert.Null((await second).Result.Value);

        // Neither is the newer answer gone, nor is it shown to a token that was not proved, as a failure is.
        _asked.Clear();
        Assert.Equal("ada's", await ReadAsync(first));
        Assert.Empty(_asked);
        _failure = ApiFailure.Unauthorized;
        Assert.Null(await ReadAsync(Of("ada", "revoked")));
        Assert.Equal(1, _asked["revoked"]);
    }

    [Fact]
    public async Task Who_has_changed_something_reads_anew_what_others_have_just_read()
    {
        await ReadAsync(Of("ada", "first"));
        await ReadAsync(Of("ada", "first"), TimeSpan.Zero);
        Assert.Equal(2, _asked["first"]);
    }

    private static Session Of(string key, string token) => new(token, DateTimeOffset.MaxValue, key, "admin", "default", key);

    private async Task<string?> ReadAsync(Session session, TimeSpan? age = null) => (await _reads.ReadAsync(
        session, "overview", age ?? Age,
        () =>
        {
            _asked[session.AccessToken] = _asked.GetValueOrDefault(session.AccessToken) + 1;
            return Task.FromResult(
                _failure is { } failure ? ApiResult<string>.Failed(failure, "") : ApiResult<string>.Of($"{session.Name}'s"));
        },
        TestContext.Current.CancellationToken)).Result.Value;

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
