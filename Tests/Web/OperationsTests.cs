using Deque.AxeCore.Playwright;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>The pages of work that waits, runs or was given up, and of who takes it.</summary>
public class OperationsTests(Dashboard dashboard)
{
    private FakeConsole Console => dashboard.Api.Console;

    [Fact]
    public async Task Last_ready_worker_is_drained_after_a_confirmation_and_takes_work_again_at_once()
    {
        var page = await OpenAsync("/workers");
        await page.GetByRole(AriaRole.Button, new() { Name = "Drain worker-7f9c" }).ClickAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "No other worker is ready: every request then waits until one is." })
            .GetByRole(AriaRole.Button, new() { Name = "Drain", Exact = true }).ClickAsync();
        await Expect(page.GetByText("It takes nothing new and has nothing left: it can be stopped.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Workers" }).GetByText("drained", new() { Exact = true })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Undrain worker-7f9c" }).ClickAsync();

        // What was done is said, and not for ever.
        await Expect(page.GetByText("worker-7f9c takes work again within a second.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Workers" }).GetByText("ready", new() { Exact = true })).ToBeVisibleAsync();
        Assert.Equal(["POST /v1/workers/worker-7f9c/drain ", "POST /v1/workers/worker-7f9c/undrain "], Console.Calls);
        await Expect(page.GetByText("worker-7f9c takes work again within a second.")).ToBeHiddenAsync();
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Workers_fit_and_their_buttons_cover_nothing(int width)
    {
        var page = await OpenAsync("/workers", width: width);
        var worker = page.GetByRole(AriaRole.Region, new() { Name = "worker-7f9c" });
        var facts = worker.GetByText("Memory of models");

        var (closed, below) = (await worker.GetByRole(AriaRole.Button, new() { Name = "Drain worker-7f9c" }).BoundingBoxAsync(), await facts.BoundingBoxAsync());
        Assert.True(closed!.Y + closed.Height < below!.Y, $"{closed.Y} + {closed.Height}, {below.Y}");
        await worker.GetByRole(AriaRole.Button, new() { Name = "Drain worker-7f9c" }).ClickAsync();
        var (asked, after) = (await worker.GetByRole(AriaRole.Group).BoundingBoxAsync(), await facts.BoundingBoxAsync());
        Assert.True(asked!.Y + asked.Height < after!.Y, $"{asked.Y} + {asked.Height}, {after.Y}");
        foreach (var grid in await page.Locator(".rz-data-grid-data, .rz-data-grid").AllAsync())
        {
            Assert.True(await grid.EvaluateAsync<bool>("element => element.scrollWidth <= element.clientWidth"), await grid.InnerTextAsync());
        }
    }

    [Fact]
    public async Task Worker_is_not_offered_for_draining_to_who_is_no_administrator()
    {
        var page = await OpenAsync("/workers", role: "user");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "worker-7f9c" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Drain worker-7f9c" })).ToBeHiddenAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "worker-7f9c" }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/workers/worker-7f9c");
        await Expect(page.GetByText("Memory of models")).ToBeVisibleAsync();
        await page.GotoAsync("/workers/gone");
        await Expect(page.GetByText("No worker of this name runs")).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData("/jobs/0198f0b4-0000-7000-8000-00000000000a")]
    [InlineData("/batches/0198f0b4-0000-7000-8000-0000000000b1")]
    [InlineData($"/requests/{FakeConsole.ServedRequest}")]
    [InlineData("/dead-letters/digits/1/1767323045000-0")]
    public async Task Trace_is_followed_from_where_it_is_shown_and_copied_whole(string path)
    {
        var page = await OpenAsync(path);
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);

        await Expect(page.GetByRole(AriaRole.Link, new() { Name = $"Trace {FakeConsole.Trace}" }))
            .ToHaveAttributeAsync("href", $"http://traces.example/{FakeConsole.Trace}");
        await page.GetByRole(AriaRole.Button, new() { Name = $"Copy trace {FakeConsole.Trace}" }).ClickAsync();
        await page.CopiedAsync(FakeConsole.Trace);
    }

    [Fact]
    public async Task Lines_of_a_batch_job_are_a_click_away_as_requests_of_its_trace()
    {
        var page = await OpenAsync("/batches/0198f0b4-0000-7000-8000-0000000000b1");

        await page.GetByRole(AriaRole.Link, new() { Name = "Its lines as requests" }).ClickAsync();

        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/requests?range=24h&id={FakeConsole.Trace}");
        await Expect(page.GetByLabel("Id or trace id")).ToHaveValueAsync(FakeConsole.Trace);
        await Wait.UntilAsync(
            () => Console.RequestsAsked.Any(asked => asked.Contains($"trace={FakeConsole.Trace}", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Dead_letter_is_requeued_at_once_and_comes_back_when_that_is_refused()
    {
        var page = await OpenAsync("/dead-letters?model=digits");
        var reasons = page.GetByText("the worker ended on it 3 times");
        await Expect(reasons).ToHaveCountAsync(2);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = $"Trace {FakeConsole.Trace}" }).First)
            .ToHaveAttributeAsync("href", $"http://traces.example/{FakeConsole.Trace}");

        await page.GetByRole(AriaRole.Link, new() { Name = "digits/1, 1767323045000-0", Exact = true }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/dead-letters/digits/1/1767323045000-0");
        await Expect(reasons).ToHaveCountAsync(1);
        await page.GotoAsync("/dead-letters/digits/1/0-0");
        await Expect(page.GetByText("It is not among the newest of digits")).ToBeVisibleAsync();
        await page.GotoAsync("/dead-letters?model=digits");
        await Expect(reasons).ToHaveCountAsync(2);

        Console.Problem = "the queue of 'digits/1' has no room now";
        await page.GetByRole(AriaRole.Button, new() { Name = "Requeue 1767323045000-0" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("has no room now");
        await Expect(reasons).ToHaveCountAsync(2);

        Console.Problem = null;
        await page.GetByRole(AriaRole.Button, new() { Name = "Requeue 1767323045000-0" }).ClickAsync();
        await Expect(reasons).ToHaveCountAsync(1);
        await Expect(page.GetByText("1 request is back")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Purge" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Purge", Exact = true }).ClickAsync();

        // It is gone from the page before the API has answered.
        await Expect(page.GetByText("No dead letters.")).ToBeVisibleAsync();
        await Wait.UntilAsync(() => Console.Calls[^1] == "DELETE /v1/queues/digits/1/dead-letters/1767323045000-1 ");
    }

    [Fact]
    public async Task Dead_letters_are_found_by_their_queue_and_many_are_requeued_or_purged_after_a_confirmation()
    {
        var page = await OpenAsync("/queues");
        var queue = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "digits/1" });
        foreach (var text in new[] { "41", "2500 ms", "12.5" })
        {
            await Expect(queue).ToContainTextAsync(text);
        }

        await queue.GetByRole(AriaRole.Link, new() { Name = "2", Exact = true }).ClickAsync();
        await page.GetByLabel("All that are listed").CheckAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Purge 2 selected" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Requeue 2 selected" }).ClickAsync();
        Assert.Empty(Console.Calls);
        await page.GetByRole(AriaRole.Group, new() { Name = "Put 2 requests back into the queue of digits/1 as new?" })
            .GetByRole(AriaRole.Button, new() { Name = "Requeue", Exact = true }).ClickAsync();

        await Expect(page.GetByText("2 requests are back in the queue of digits/1.")).ToBeVisibleAsync();
        Assert.Equal(2, Console.Calls.Count(call => call.EndsWith("/requeue ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Job_has_a_page_that_follows_it_to_its_end()
    {
        var page = await OpenAsync("/jobs");
        await page.GetByRole(AriaRole.Link, new() { Name = "00000000000b" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("digits/1");
        var state = page.GetByRole(AriaRole.Region, new() { Name = "State" });
        foreach (var text in new[] { "running", "50 %", "1 of 3", "1000 ms" })
        {
            await Expect(state).ToContainTextAsync(text);
        }

        // Each comes as it happens, without the page reading anew.
        var events = page.GetByRole(AriaRole.Region, new() { Name = "Events" });
        await Expect(events).ToContainTextAsync("attempt 1 of 3 began");
        Console.JobProgress = 0.75;
        await Expect(events).ToContainTextAsync("75 % done");
        Console.JobProgress = 0.8;
        await Expect(events).ToContainTextAsync("80 % done");
        await Expect(events).Not.ToContainTextAsync("75 % done");
        await page.WaitForTimeoutAsync(6000);
        await Expect(events).ToContainTextAsync("80 % done");
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel", Exact = true }).ClickAsync();
        await Expect(state.Locator(".badge")).ToHaveTextAsync("cancelled");
        await Expect(events).ToContainTextAsync("it has ended");
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry" }).ClickAsync();
        await Expect(page.GetByText("The job is queued anew.")).ToBeVisibleAsync();
        await Expect(state.Locator(".badge")).ToHaveTextAsync("running");
        const string Job = "/v1/jobs/0198f0b4-0000-7000-8000-00000000000b";
        Assert.Equal([$"POST {Job}/cancel ", $"POST {Job}/retry "], Console.Calls);

        await page.GotoAsync("/jobs/0198f0b4-0000-7000-8000-00000000000a");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the result" }).ClickAsync();
        await Expect(page.Locator("#job-result")).ToContainTextAsync("\"data\":[7]");
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy as curl" }).ClickAsync();
        await page.CopiedAsync(
            text => text.StartsWith($"curl {dashboard.Api.Url}/v1/jobs/0198f0b4-0000-7000-8000-00000000000a -H", StringComparison.Ordinal));
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/jobs");
    }

    [Fact]
    public async Task Job_shows_its_result_is_cancelled_and_is_filtered_by_state()
    {
        var page = await OpenAsync("/jobs");
        await page.GetByRole(AriaRole.Button, new() { Name = "Result of" }).ClickAsync();
        await Expect(page.Locator("#job-result")).ToContainTextAsync("\"data\":[7]");

        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel", Exact = true }).ClickAsync();
        await Expect(page.GetByText("The job is asked to end.")).ToBeVisibleAsync();
        Assert.Equal("POST /v1/jobs/0198f0b4-0000-7000-8000-00000000000b/cancel ", Assert.Single(Console.Calls));

        // What is chosen holds when it is submitted, and not when the page reads anew.
        await page.GetByLabel("State").SelectOptionAsync("failed");
        await page.WaitForTimeoutAsync(4000);
        await Expect(page.GetByText("No job is like that.")).ToBeHiddenAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("No job is like that.")).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/jobs?state=failed");

        // Of other tenants an administrator sees how their jobs do.
        await page.GetByLabel("Tenant").FillAsync("all");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        var others = page.GetByRole(AriaRole.Region, new() { Name = "Jobs of all tenants" }).GetByRole(AriaRole.Row)
            .Filter(new() { HasText = "acme" });
        await Expect(others).ToContainTextAsync("its tenant's to change");
        await Expect(others.GetByRole(AriaRole.Button)).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Batch_jobs_are_filtered_by_state_and_an_administrator_sees_those_of_others()
    {
        var page = await OpenAsync("/batches");
        await page.GetByLabel("State").SelectOptionAsync("cancelled");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("No batch job is like that.")).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/batches?state=cancelled");

        await page.GetByLabel("Tenant").FillAsync("all");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        var other = page.GetByRole(AriaRole.Region, new() { Name = "Batch jobs of all tenants" }).GetByRole(AriaRole.Row)
            .Filter(new() { HasText = "acme" });
        await Expect(other).ToContainTextAsync("its tenant's to change");
        await Expect(other.GetByRole(AriaRole.Link)).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Batch_job_has_a_page_that_follows_it_and_gives_its_output()
    {
        var page = await OpenAsync("/batches");
        await page.GetByRole(AriaRole.Link, new() { Name = "0000000000b1" }).ClickAsync();
        var state = page.GetByRole(AriaRole.Region, new() { Name = "State" });
        await Expect(state).ToContainTextAsync("60 of 100 lines, 3 failed");
        Console.BatchLines = 83;
        await Expect(state).ToContainTextAsync("80 of 100 lines, 3 failed");
        Console.BatchLines = 100;
        await Expect(state.Locator(".badge")).ToHaveTextAsync("completed");

        var download = await page.RunAndWaitForDownloadAsync(
            () => page.GetByRole(AriaRole.Link, new() { Name = "Download output" }).ClickAsync());
        Assert.Equal("batch-0198f0b4-0000-7000-8000-0000000000b1-output.jsonl", download.SuggestedFilename);
        Assert.Equal(
            "{\"custom_id\":\"a\"}\n", await File.ReadAllTextAsync(await download.PathAsync(), TestContext.Current.CancellationToken));

        // One that expired is gone, and the Api is well.
        var gone = await page.APIRequest.GetAsync($"{dashboard.Url}/batches/0198f0b4-0000-7000-8000-0000000000b9/output.jsonl");
        var none = await page.APIRequest.GetAsync($"{dashboard.Url}/batches/{Guid.Empty}/errors.jsonl");
        Assert.Equal((404, 410), (none.Status, gone.Status));
    }

    [Fact]
    public async Task Batch_job_tells_its_progress_and_is_cancelled_after_a_confirmation()
    {
        var page = await OpenAsync("/batches");
        var running = page.GetByRole(AriaRole.Row).Filter(new() { HasText = "running" });
        await Expect(running).ToContainTextAsync("60 of 100 lines, 3 failed");
        await running.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await running.GetByRole(AriaRole.Button, new() { Name = "Cancel", Exact = true }).ClickAsync();

        await Expect(page.GetByText("The batch job is asked to end.")).ToBeVisibleAsync();
        Assert.Equal("POST /v1/batches/0198f0b4-0000-7000-8000-0000000000b1/cancel ", Assert.Single(Console.Calls));
    }

    [Fact]
    public async Task Job_that_failed_is_retried_with_one_click()
    {
        var page = await OpenAsync("/jobs", () => Console.EndedBadly = true);
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry 0198f0b4-0000-7000-8000-00000000000c" }).ClickAsync();

        await Expect(page.GetByText("1 job is queued anew.")).ToBeVisibleAsync();
        Assert.Equal("POST /v1/jobs/0198f0b4-0000-7000-8000-00000000000c/retry ", Assert.Single(Console.Calls));

        // What is refused is said.
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry 0198f0b4-0000-7000-8000-00000000000d" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("409: the job is queued");
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Selected_jobs_are_retried_after_a_confirmation_and_those_that_are_not_are_told(ColorScheme scheme)
    {
        var page = await OpenAsync("/jobs", () => Console.EndedBadly = true, scheme: scheme);
        await page.GetByLabel("All that did not succeed").CheckAsync();
        await page.GetByLabel("Select 0198f0b4-0000-7000-8000-00000000000e").UncheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry 2 selected jobs" }).ClickAsync();
        var question = page.GetByRole(AriaRole.Group, new() { Name = "Queue 2 jobs anew?" });
        await Expect(question).ToBeVisibleAsync();
        var found = await page.RunAxe();
        Assert.True(found.Violations.Length == 0, string.Join("; ", found.Violations.Select(v => $"{v.Id}: {v.Nodes[0].Html}")));
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { } folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"jobs-selected-{scheme}.png") });
        }

        await question.GetByRole(AriaRole.Button, new() { Name = "Retry", Exact = true }).ClickAsync();

        await Expect(page.GetByText("1 job is queued anew.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("1 job of 2 not: 409: the job is queued");
        Assert.Equal(
            ["POST /v1/jobs/0198f0b4-0000-7000-8000-00000000000c/retry ", "POST /v1/jobs/0198f0b4-0000-7000-8000-00000000000d/retry "],
            Console.Calls.Order());
    }

    private Task<IPage> OpenAsync(string path, Action? arrange = null, string role = "admin", int width = 1280,
        ColorScheme scheme = ColorScheme.Light) => dashboard.OpenConsoleAsync(path, arrange, role, width, scheme);
}
