using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Live;
using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Tests.Web;

/// <summary>How long the dashboard waits for the Api, by a clock whose alarms the test rings.</summary>
public sealed class CallTimeTests(Dashboard dashboard)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_that_is_never_answered_ends_with_the_time_of_the_playground()
    {
        var time = new Alarms();
        using var http = Client();
        var api = new InferenceApi(new ApiTransport(http, TimeProvider.System), new ApiTransport(http, time));
        var token = await TokenAsync(api);
        dashboard.Api.InferTime = Timeout.InfiniteTimeSpan;

        var call = api.InferAsync(token, "digits", "1", "{}", Cancellation);
        await Wait.UntilAsync(() => dashboard.Api.LastInfer is not null);
        Assert.False(call.IsCompleted);
        Assert.Equal(TimeSpan.FromSeconds(35), time.Due);
        time.Ring();

        var result = await call;
        Assert.Equal((ApiFailure.TimedOut, "No answer within 35 s."), (result.Failure, result.Detail));
    }

    [Fact]
    public async Task Time_of_an_answer_in_parts_begins_anew_with_each()
    {
        var time = new Alarms();
        using var http = Client();
        var token = await TokenAsync(new InferenceApi(new ApiTransport(http, TimeProvider.System), new ApiTransport(http, time)));
        var said = "";

        var call = new ChatApi(new ApiTransport(http, time)).SendAsync(
            token, new ChatRequest("phi:2", [new ChatMessage("user", "Hello")], null, null), part => said += part, Cancellation);
        await Wait.UntilAsync(() => dashboard.Api.Chat.Requests.Count == 1);
        var begun = time.Settings;
        dashboard.Api.Chat.Say("Hi");
        await Wait.UntilAsync(() => said == "Hi");
        Assert.Equal(begun + 1, time.Settings);
        time.Ring();

        var result = await call;
        Assert.Equal((ApiFailure.TimedOut, "No answer within 605 s.", "Hi"), (result.Failure, result.Detail, said));
    }

    [Fact]
    public async Task Live_numbers_wait_for_nothing_that_takes_longer_to_tell()
    {
        using var http = Client();
        var transport = new ApiTransport(http, new Alarms());
        var api = new InferenceApi(transport, transport);
        var token = (await api.GetTokenAsync(FakeApi.Key, Cancellation)).Value!;
        var session = Session.From(token, FakeApi.Key, DateTimeOffset.UtcNow);
        var shared = new SharedOverview(api, new AdministrationApi(transport), new SharedReads(TimeProvider.System), TimeProvider.System);
        var monitor = new OverviewMonitor(shared, TimeProvider.System);
        dashboard.Api.SumsHang = true;

        await Wait.UntilAsync(async () =>
            await monitor.PollAsync(session, Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation) && monitor.Samples.Count == 3);

        Assert.Null(monitor.Objectives);
        Assert.True(monitor.SeenTraffic);
    }

    private HttpClient Client()
    {
        dashboard.Api.Reset();
        return new HttpClient { BaseAddress = new Uri(dashboard.Api.Url), Timeout = Timeout.InfiniteTimeSpan };
    }

    private static async Task<string> TokenAsync(InferenceApi api) => (await api.GetTokenAsync(FakeApi.Key, Cancellation)).Value!.Token;

    /// <summary>Timers that ring when they are told to.</summary>
    private sealed class Alarms : TimeProvider
    {
        private Action? _ring;

        /// <summary>What the last one was set to.</summary>
        public TimeSpan Due { get; private set; }

        /// <summary>How often one was set.</summary>
        public int Settings { get; private set; }

        public void Ring() => _ring!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _ring = () => callback(state);
            return new Alarm(this, dueTime);
        }

        private void Set(TimeSpan due) => (Due, Settings) = (due, Settings + 1);

        private sealed class Alarm : ITimer
        {
            private readonly Alarms _alarms;

            public Alarm(Alarms alarms, TimeSpan due)
            {
                _alarms = alarms;
                alarms.Set(due);
            }

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                _alarms.Set(dueTime);
                return true;
            }

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
