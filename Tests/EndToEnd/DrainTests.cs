using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>Workers that are stopped under load, where another one serves the same models: the same for both ways of a call.</summary>
public abstract class WorkerEndTests(Platform platform)
{
    [Fact]
    public async Task No_caller_sees_an_error_when_a_worker_is_stopped_under_load()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = platform.Admin();

        // A long delay, so that the worker that is stopped holds requests which it has not begun.
        await using var worker = await StartAsync(cancellation);
        using var enough = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 16).Select(n => CallAsync(client, n % 10, enough.Token)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);

        worker.Terminate();
        await worker.ExitedAsync(cancellation);
        await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
        await enough.CancelAsync();
        var answers = (await Task.WhenAll(callers)).SelectMany(a => a).ToList();

        Assert.Equal(0, worker.ExitCode);
        Assert.Contains("Told to stop: nothing new is taken", worker.Output, StringComparison.Ordinal);
        Assert.Contains(", 0 requests left in flight", worker.Output, StringComparison.Ordinal);
        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, true), answer));
    }

    [Fact]
    public async Task No_caller_sees_an_error_when_a_worker_is_killed_under_load()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = platform.Admin();
        await using var worker = await StartAsync(cancellation);
        using var enough = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 16).Select(n => CallAsync(client, n % 10, enough.Token)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);

        worker.Kill();
        await worker.ExitedAsync(cancellation);
        await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
        await enough.CancelAsync();
        var answers = (await Task.WhenAll(callers)).SelectMany(a => a).ToList();

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, true), answer));
    }

    [Fact]
    public async Task No_caller_sees_an_error_when_a_worker_is_paused_under_load()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = platform.Admin();
        await using var worker = await StartAsync(cancellation);
        using var enough = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 16).Select(n => CallAsync(client, n % 10, enough.Token)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);

        worker.Signal("-STOP");
        await Task.Delay(TimeSpan.FromSeconds(5), cancellation);
        await enough.CancelAsync();
        var answers = (await Task.WhenAll(callers)).SelectMany(a => a).ToList();

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, true), answer));
    }

    [Fact]
    public async Task Worker_that_is_drained_under_load_finishes_what_it_has_takes_nothing_and_serves_again_when_undrained()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var client = platform.Admin();
        Dictionary<string, JsonElement> own = [];
        await Wait.UntilAsync(async () => (own = await WorkersAsync(client)).Count > 0);
        await using var worker = await StartAsync(cancellation);
        string? id = null;
        await Wait.UntilAsync(async () =>
            (id = (await WorkersAsync(client)).Keys.Except(own.Keys).ToList() is [var added] ? added : null) is not null);
        async Task<bool> IsAsync(Func<JsonElement, bool> state) =>
            (await WorkersAsync(client)).TryGetValue(id!, out var status) && state(status);
        using var enough = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 16).Select(n => CallAsync(client, n % 10, enough.Token)).ToList();
        await Wait.UntilAsync(() => IsAsync(w => w.GetProperty("inferences_per_second").GetDouble() > 0));

        using var drained = await client.PostAsync($"/v1/workers/{id}/drain", null, cancellation);
        Assert.Equal(HttpStatusCode.Accepted, drained.StatusCode);
        await Wait.UntilAsync(() => IsAsync(w =>
            w.GetProperty("state").GetString() == "drained" && w.GetProperty("inferences_per_second").GetDouble() == 0));

        // Others are called all the while.
        for (var look = 0; look < 5; look++)
        {
            JsonElement seen = default;
            await Wait.UntilAsync(async () => (await WorkersAsync(client)).TryGetValue(id!, out seen));
            Assert.Equal(
                (0, 0, false),
                (seen.GetProperty("in_flight").GetInt32(), seen.GetProperty("inferences_per_second").GetDouble(),
                    seen.GetProperty("ready").GetBoolean()));
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellation);
        }

        Assert.Equal(HttpStatusCode.OK, await worker.StatusAsync("/health", cancellation));
        using var undrained = await client.PostAsync($"/v1/workers/{id}/undrain", null, cancellation);
        Assert.Equal(HttpStatusCode.Accepted, undrained.StatusCode);
        await Wait.UntilAsync(() => IsAsync(w =>
            w.GetProperty("state").GetString() == "ready" && w.GetProperty("inferences_per_second").GetDouble() > 0));
        await enough.CancelAsync();
        var answers = (await Task.WhenAll(callers)).SelectMany(a => a).ToList();

        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.OK, true), answer));
    }

    private static async Task<Dictionary<string, JsonElement>> WorkersAsync(HttpClient client)
    {
        using var overview = JsonDocument.Parse(await client.GetStringAsync("/v1/overview", TestContext.Current.CancellationToken));
        return overview.RootElement.GetProperty("workers").EnumerateArray()
            .ToDictionary(w => w.GetProperty("id").GetString()!, w => w.Clone(), StringComparer.Ordinal);
    }

    private Task<WorkerProcess> StartAsync(CancellationToken cancellation) => WorkerProcess.StartAsync(
        platform,
        cancellation,
        ("Worker__ModelsDirectory", Path.Combine(AppContext.BaseDirectory, "Models")),
        ("Worker__MaxBatchDelay", "00:00:01"));

    private static async Task<List<(HttpStatusCode Status, bool IsRight)>> CallAsync(HttpClient client, int index, CancellationToken enough)
    {
        var answers = new List<(HttpStatusCode, bool)>();
        while (!enough.IsCancellationRequested)
        {
            using var response = await client.PostAsync(
                "/v2/models/lookup/infer",
                Digits.Json($$"""{"inputs":[{"name":"index","shape":[1],"datatype":"INT64","data":[{{index}}]}]}"""),
                CancellationToken.None);
            var body = await response.Content.ReadAsStringAsync(CancellationToken.None);
            answers.Add((response.StatusCode, body.Contains($"[{10 * index}]", StringComparison.Ordinal)));
        }

        return answers;
    }
}

/// <summary>Calls that go directly to workers.</summary>
[Collection<MisbehavingPlatform>]
public sealed class DrainTests(MisbehavingPlatform platform) : WorkerEndTests(platform);

/// <summary>Calls that go through Redis. Nightly: the same tests, for the way that calls of open models do not go.</summary>
[Trait("Tier", "Nightly")]
public sealed class QueueDrainTests(MisbehavingQueuePlatform platform) : WorkerEndTests(platform), IClassFixture<MisbehavingQueuePlatform>;
