using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>
/// The pages over the lists of the API: what they show, what they call, and what they say where there is nothing or a failure.
/// </summary>
public class ConsoleTests(Dashboard dashboard)
{
    private FakeConsole Console => dashboard.Api.Console;

    [Theory]
    [InlineData("admin", "Overview, Requests, Models, Jobs, Batch jobs, Queues, Dead letters, Workers, Tenants, Keys, Usage & cost, Audit, Playground")]
    [InlineData("user", "Overview, Requests, Models, Jobs, Batch jobs, Workers, Usage & cost, Playground")]
    [InlineData("service", "Jobs, Batch jobs, Usage & cost")]
    public async Task Navigation_offers_what_the_role_may_read(string role, string sections)
    {
        var page = await OpenAsync("/jobs", role: role);

        var links = page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link);
        var names = await links.Locator("span:not(.icon)").AllInnerTextsAsync();
        Assert.Equal(sections, string.Join(", ", names));
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Jobs", Exact = true })).ToHaveClassAsync("active");
    }

    [Theory]
    [InlineData("/models", "No models are registered. Upload an ONNX file below")]
    [InlineData("/dead-letters", "No dead letters. A request comes here when several deliveries")]
    [InlineData("/requests", "No requests in this time. Take a longer one, or send one from the playground.")]
    [InlineData("/requests?status=5xx", "No request is like that. Take a longer time, or clear the filters.")]
    [InlineData("/batches", "No batch jobs yet. Send many requests as lines")]
    [InlineData("/queues", "No queues: each version of a model has one.")]
    [InlineData("/jobs", "No jobs yet. Send an inference with the header")]
    [InlineData("/usage", "Nothing was used this month.")]
    [InlineData("/audit", "No entry is like that. Clear the filters")]
    public async Task Page_without_anything_to_show_names_the_next_step(string path, string text)
    {
        var page = await OpenAsync(path, () => Console.Empty = true);

        await Expect(page.GetByText(text).First).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData("/models")]
    [InlineData("/models/digits")]
    [InlineData("/dead-letters")]
    [InlineData("/requests")]
    [InlineData("/requests/0198f0b4-0000-7000-8000-0000000000f5")]
    [InlineData("/jobs")]
    [InlineData("/jobs/0198f0b4-0000-7000-8000-00000000000a")]
    [InlineData("/queues")]
    [InlineData("/keys")]
    [InlineData("/usage")]
    [InlineData("/audit")]
    public async Task Page_that_the_api_refuses_says_why_and_the_trace_id(string path)
    {
        var page = await OpenAsync(path, () => Console.Problem = "The database is being moved.");

        var alert = page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert);
        await Expect(alert).ToContainTextAsync("409: The database is being moved.");
        await Expect(alert).ToContainTextAsync(FakeConsole.Trace);
        await Expect(page.GetByRole(AriaRole.Status, new() { Name = "Loading" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Models_are_searched_and_the_search_is_in_the_address()
    {
        var page = await OpenAsync("/models?search=sent");
        var grid = page.GetByRole(AriaRole.Region, new() { Name = "Models" });
        await Expect(grid.GetByRole(AriaRole.Link, new() { Name = "sentiment" })).ToBeVisibleAsync();
        await Expect(grid.GetByRole(AriaRole.Link, new() { Name = "digits" })).ToBeHiddenAsync();

        await page.GetByLabel("Search").FillAsync("dig");
        await Expect(grid.GetByRole(AriaRole.Link, new() { Name = "digits" })).ToBeVisibleAsync();
        await Expect(grid.GetByRole(AriaRole.Link, new() { Name = "sentiment" })).ToBeHiddenAsync();
        Assert.EndsWith("/models?search=dig", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Model_tells_of_its_versions_what_was_inspected()
    {
        var page = await OpenAsync("/models/digits", () => Console.Inspection = "rejected");

        await Expect(page.Locator("[data-stable]")).ToHaveTextAsync("1");
        var versions = page.GetByRole(AriaRole.Region, new() { Name = "Versions" });
        foreach (var text in new[] { "it is no ONNX file", "150 KiB", "9f86d081884c", "input: FP32 [N × 8 × 8] → label: INT64 [N]" })
        {
            await Expect(versions.GetByText(text).First).ToBeVisibleAsync();
        }

        await Expect(page.GetByText("prod → 1")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "History" }).GetByText("instead of 0")).ToBeVisibleAsync();
        var decision = page.GetByRole(AriaRole.Region, new() { Name = "Traffic decisions" }).GetByRole(AriaRole.Row).Last;
        await Expect(decision).ToContainTextAsync("rolled back 2");
        await Expect(decision).ToContainTextAsync("9 of 60 requests failed, more than 5 %");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Promote 2" })).ToBeHiddenAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Canary and shadow" }).GetByText("9.0 ms")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Model_tells_which_tensors_have_drifted()
    {
        var page = await OpenAsync("/models/digits");

        var drift = page.GetByRole(AriaRole.Region, new() { Name = "Drift" });
        await Expect(drift.GetByText("500 requests against 1,000 of the baseline that automatic fixed on 2026-01-02.")).ToBeVisibleAsync();
        var rows = drift.GetByRole(AriaRole.Row);
        foreach (var (row, texts) in new[] { (1, new[] { "input, numbers", "drifted", "1.23", "0.40" }), (2, ["steady", "0.01", "–"]) })
        {
            foreach (var text in texts)
            {
                await Expect(rows.Nth(row)).ToContainTextAsync(text);
            }
        }
    }

    [Fact]
    public async Task Model_is_set_by_a_form_that_keeps_what_it_does_not_show_and_is_taken_out_of_service()
    {
        var page = await OpenAsync("/models/digits");
        var settings = page.GetByRole(AriaRole.Region, new() { Name = "Settings" });
        await Expect(settings.GetByLabel("Responses cached, in s")).ToHaveValueAsync("600");
        await settings.GetByLabel("Wait for more, in ms").FillAsync("5");
        await settings.GetByLabel("Pinned").CheckAsync();
        await settings.GetByRole(AriaRole.Button, new() { Name = "Save the settings" }).ClickAsync();
        await Expect(page.GetByText("The settings of digits are saved.")).ToBeVisibleAsync();
        using (var set = System.Text.Json.JsonDocument.Parse(Console.SettingsNow))
        {
            var root = set.RootElement;
            Assert.Equal("00:00:00.0050000", root.GetProperty("batching").GetProperty("max_delay").GetString());
            Assert.Equal("[4]", root.GetProperty("batching").GetProperty("preferred_sizes").GetRawText());
            Assert.Equal(1024, root.GetProperty("cache").GetProperty("max_bytes").GetInt32());
            Assert.True(root.GetProperty("pinned").GetBoolean());
        }

        // What another has changed is not undone, nor is what was typed lost.
        await settings.GetByLabel("Runs at once").FillAsync("2");
        Console.ChangeSettings();
        await settings.GetByRole(AriaRole.Button, new() { Name = "Save the settings" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("Somebody has changed the settings since you read them.");
        await Expect(settings.GetByLabel("Runs at once")).ToHaveValueAsync("2");

        await page.GetByRole(AriaRole.Button, new() { Name = "Unload digits" }).ClickAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "Take digits out of service?" }).GetByRole(AriaRole.Button, new() { Name = "Unload", Exact = true }).ClickAsync();
        await Expect(page.Locator("[data-residency]")).ToHaveTextAsync("out of service");
        await page.GetByRole(AriaRole.Button, new() { Name = "Bring into service" }).ClickAsync();
        await Expect(page.Locator("[data-residency]")).ToHaveTextAsync("in service");
    }

    [Fact]
    public async Task Version_is_deleted_only_after_a_confirmation_that_outlives_the_page_reading_again()
    {
        var page = await OpenAsync("/models/digits");
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete 2" }).ClickAsync();

        var question = page.GetByRole(AriaRole.Group, new() { Name = "Delete digits/2? Its file goes, and requests that name it fail." });
        await Expect(question.GetByRole(AriaRole.Button, new() { Name = "Delete" })).ToBeFocusedAsync();
        await page.WaitForTimeoutAsync(6000);
        Assert.Empty(Console.Calls);
        await question.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();

        await Expect(page.GetByText("Version 2 is deleted.")).ToBeVisibleAsync();
        Assert.Equal("DELETE /v1/models/digits/versions/2 ", Assert.Single(Console.Calls));
    }

    [Theory]
    [InlineData("Promote 2", "Promote", "Promote digits/2? Requests that name no version are answered by 1 now, and by 2 then.",
        """POST /v1/models/digits/promote {"version":"2"}""")]
    [InlineData("Roll back to 0", "Roll back", "Roll back digits to 0? Requests that name no version are answered by 1 now, and by 0 then.",
        "POST /v1/models/digits/rollback ")]
    public async Task Stable_version_changes_only_after_it_was_said_who_answers_now_and_then(
        string button, string action, string text, string call)
    {
        var page = await OpenAsync("/models/digits");
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        var question = page.GetByRole(AriaRole.Group, new() { Name = text });
        await Expect(question.GetByText(text)).ToBeVisibleAsync();
        await question.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(question).ToBeHiddenAsync();
        Assert.Empty(Console.Calls);

        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
        await question.GetByRole(AriaRole.Button, new() { Name = action, Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Status)).ToContainTextAsync("who names no version.");
        Assert.Equal(call, Assert.Single(Console.Calls));
    }

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
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Workers" }).GetByText("ready", new() { Exact = true })).ToBeVisibleAsync();
        Assert.Equal(["POST /v1/workers/worker-7f9c/drain ", "POST /v1/workers/worker-7f9c/undrain "], Console.Calls);

        // What was done is said, and not for ever.
        await Expect(page.GetByText("worker-7f9c takes work again within a second.")).ToBeVisibleAsync();
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
    }

    [Fact]
    public async Task Canary_starts_with_the_share_of_the_slider_and_a_rule_that_takes_it_back()
    {
        var page = await OpenAsync("/models/digits");
        await page.GetByLabel("Share of requests").FillAsync("25");
        await page.GetByRole(AriaRole.Button, new() { Name = "Start canary" }).ClickAsync();

        await Expect(page.GetByText("25 % of requests go to 2.")).ToBeVisibleAsync();
        var call = Assert.Single(Console.Calls);
        Assert.Contains("""
            "stable":"1","canary":{"version":"2","weight":0.25,"sticky":false}
            """.Trim(), call, StringComparison.Ordinal);
        Assert.Contains("\"max_error_rate\":0.05", call, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letter_is_requeued_at_once_and_comes_back_when_that_is_refused()
    {
        var page = await OpenAsync("/dead-letters?model=digits");
        var reasons = page.GetByText("the worker ended on it 3 times");
        await Expect(reasons).ToHaveCountAsync(2);
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = $"Trace {FakeConsole.Trace}" }).First)
            .ToHaveAttributeAsync("href", $"http://traces.example/{FakeConsole.Trace}");

        Console.Problem = "the queue of 'digits/1' has no room now";
        await page.GetByRole(AriaRole.Button, new() { Name = "Requeue 1767323045000-0" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("has no room now");
        await Expect(reasons).ToHaveCountAsync(2);

        Console.Problem = null;
        await page.GetByRole(AriaRole.Button, new() { Name = "Requeue 1767323045000-0" }).ClickAsync();
        await Expect(reasons).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "Purge" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Purge", Exact = true }).ClickAsync();

        await Expect(page.GetByText("No dead letters.")).ToBeVisibleAsync();
        Assert.Equal("DELETE /v1/queues/digits/1/dead-letters/1767323045000-1 ", Console.Calls[^1]);
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
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel", Exact = true }).ClickAsync();
        await Expect(state.Locator(".badge")).ToHaveTextAsync("cancelled");
        await Expect(events).ToContainTextAsync("it has ended");
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry" }).ClickAsync();
        await Expect(page.GetByText("The job is queued anew.")).ToBeVisibleAsync();
        await Expect(state.Locator(".badge")).ToHaveTextAsync("running");
        Assert.Equal(
            ["POST /v1/jobs/0198f0b4-0000-7000-8000-00000000000b/cancel ", "POST /v1/jobs/0198f0b4-0000-7000-8000-00000000000b/retry "], Console.Calls);

        await page.GotoAsync("/jobs/0198f0b4-0000-7000-8000-00000000000a");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show the result" }).ClickAsync();
        await Expect(page.Locator("#job-result")).ToContainTextAsync("\"data\":[7]");
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy as curl" }).ClickAsync();
        Assert.StartsWith(
            $"curl {dashboard.Api.Url}/v1/jobs/0198f0b4-0000-7000-8000-00000000000a -H", await page.EvaluateAsync<string>("navigator.clipboard.readText()"),
            StringComparison.Ordinal);
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

        await page.GetByLabel("State").SelectOptionAsync("failed");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByText("No job is like that.")).ToBeVisibleAsync();
        Assert.EndsWith("/jobs?state=failed", page.Url, StringComparison.Ordinal);
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
    public async Task Requests_are_filtered_by_what_is_in_the_address_and_page_by_page()
    {
        var page = await OpenAsync($"/requests?range=24h&status=failed&model=sentiment%2F3&tenant=acme&min_ms=0.5&id={FakeConsole.Trace}");
        var grid = page.GetByRole(AriaRole.Region, new() { Name = "Requests" });
        await Expect(grid.GetByText("no worker can load sentiment/3 now: it does not fit into memory")).ToBeVisibleAsync();
        await Expect(page.GetByLabel("Time")).ToHaveValueAsync("24h");
        Assert.StartsWith(
            $"?model=sentiment&version=3&status=failed&min_ms=0.5&trace={FakeConsole.Trace}&tenant=acme&from=", Console.RequestsAsked, StringComparison.Ordinal);

        await page.GetByRole(AriaRole.Button, new() { Name = "Older" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Older" })).ToBeHiddenAsync();
        Assert.Contains("&cursor=older", Console.RequestsAsked, StringComparison.Ordinal);

        await page.GetByLabel("Outcome").SelectOptionAsync("5xx");
        await Expect(page).ToHaveURLAsync(
            $"{dashboard.Url}/requests?range=24h&status=5xx&model=sentiment%2F3&tenant=acme&min_ms=0.5&id={FakeConsole.Trace}");
        await page.GetByLabel("Time").SelectOptionAsync("custom");
        await page.GetByLabel("From (UTC)").FillAsync("2026-01-02T03:00");
        await page.GetByLabel("To (UTC)").FillAsync("2026-01-02T04:00");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(
            "from=2026-01-02T03%3A00%3A00Z&to=2026-01-02T04%3A00%3A00Z", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
        await page.ReloadAsync();
        await Expect(page.GetByLabel("To (UTC)")).ToHaveValueAsync("2026-01-02T04:00");
        await Expect(grid.GetByText("it does not fit into memory")).ToBeVisibleAsync();
        Assert.Contains("&from=2026-01-02T03%3A00%3A00Z&to=2026-01-02T04%3A00%3A00Z", Console.RequestsAsked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_of_an_id_opens_at_once()
    {
        var page = await OpenAsync($"/requests?id={FakeConsole.ServedRequest}");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("digits/1");
        Assert.EndsWith($"/requests/{FakeConsole.ServedRequest}", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task User_sees_the_requests_of_the_own_tenant()
    {
        var page = await OpenAsync("/requests?tenant=acme", role: "user");

        await Expect(page.GetByText("it does not fit into memory")).ToBeVisibleAsync();
        await Expect(page.GetByLabel("Tenant")).ToBeHiddenAsync();
        Assert.DoesNotContain("tenant", Console.RequestsAsked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_tells_where_its_time_went_and_runs_again_in_the_playground()
    {
        var page = await OpenAsync("/requests");
        await page.GetByRole(AriaRole.Region, new() { Name = "Requests" }).GetByRole(AriaRole.Link).Nth(1).ClickAsync();

        var times = page.GetByRole(AriaRole.Region, new() { Name = "Times" });
        await Expect(times.GetByRole(AriaRole.Definition)).ToHaveTextAsync(["2.5 ms", "6.0 ms", "1.5 ms"]);
        Assert.Equal("25%", await times.Locator("rect").Nth(1).GetAttributeAsync("x"));
        Assert.Equal("60%", await times.Locator("rect").Nth(1).GetAttributeAsync("width"));
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = FakeConsole.Trace }))
            .ToHaveAttributeAsync("href", $"http://traces.example/{FakeConsole.Trace}");
        await Expect(page.GetByText("0.00000042 EUR")).ToBeVisibleAsync();

        await page.GetByText("With C#").ClickAsync();
        await Expect(page.Locator("#request-csharp")).ToContainTextAsync("/v2/models/digits/versions/1/infer\", content);");
        await page.GetByText("With Python").ClickAsync();
        await Expect(page.Locator("#request-python")).ToContainTextAsync("urllib.request.Request(");
        await page.GetByRole(AriaRole.Link, new() { Name = "Run again in the playground" }).ClickAsync();
        await Expect(page.GetByLabel("Model")).ToHaveValueAsync("digits/1");
    }

    [Fact]
    public async Task Request_that_was_rejected_says_why_and_that_it_never_ran()
    {
        var page = await OpenAsync($"/requests/{FakeConsole.FailedRequest}");

        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("503 no worker can load sentiment/3 now: it does not fit into memory");
        await Expect(page.GetByText("It never ran.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Payload_of_a_request_is_read_only_when_an_administrator_asks()
    {
        var page = await OpenAsync($"/requests/{FakeConsole.ServedRequest}");
        var payload = page.GetByRole(AriaRole.Region, new() { Name = "Payload" });
        await Expect(payload.GetByText("Each reading is in the audit log.")).ToBeVisibleAsync();

        await payload.GetByRole(AriaRole.Button).ClickAsync();

        await Expect(payload.GetByText("AACAPw==")).ToBeVisibleAsync();
        var other = await OpenAsync($"/requests/{FakeConsole.ServedRequest}", role: "user");
        await Expect(other.GetByRole(AriaRole.Region, new() { Name = "Times" })).ToBeVisibleAsync();
        await Expect(other.GetByRole(AriaRole.Region, new() { Name = "Payload" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Key_is_shown_once_and_can_be_copied()
    {
        var page = await OpenAsync("/keys");
        await page.GetByLabel("Name").FillAsync("ada");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create key" }).ClickAsync();
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();

        Assert.Equal("inf_shown-this-once", await page.EvaluateAsync<string>("navigator.clipboard.readText()"));
        Assert.StartsWith("""POST /v1/keys {"name":"ada","role":"user","tenant":"default","expires_at":"20""", Assert.Single(Console.Calls),
            StringComparison.Ordinal);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Keys" })).ToBeVisibleAsync();
        await Expect(page.GetByText("inf_shown-this-once")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Key_is_made_for_some_models_only()
    {
        var page = await OpenAsync("/keys");
        await page.GetByLabel("Name").FillAsync("night batch");
        await page.GetByLabel("Role").SelectOptionAsync("service");
        await page.GetByLabel("Models").FillAsync("digits, sentiment ,");
        await page.GetByLabel("Ends after").SelectOptionAsync("0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create key" }).ClickAsync();

        await Expect(page.GetByText("inf_shown-this-once")).ToBeVisibleAsync();
        Assert.Equal(
            """POST /v1/keys {"name":"night batch","role":"service","tenant":"default","expires_at":null,"models":["digits","sentiment"]}""",
            Assert.Single(Console.Calls));
    }

    [Theory]
    [InlineData("24", "The present one goes on for a day; whoever uses it then is refused.", "1.00:00:00")]
    [InlineData("0", "The present one ends at once: whoever uses it is refused.", "00:00:00")]
    public async Task Key_is_rotated_after_it_was_said_what_becomes_of_the_old_one(string hours, string said, string overlap)
    {
        var page = await OpenAsync("/keys");
        await page.GetByLabel("A key that is rotated goes on for").SelectOptionAsync(hours);
        await page.GetByRole(AriaRole.Button, new() { Name = "Rotate first-admin" }).ClickAsync();
        var question = page.GetByRole(AriaRole.Group, new() { Name = $"Rotate first-admin? A new key is made, like it and shown once. {said}" });
        await Expect(question.GetByText(said)).ToBeVisibleAsync();
        Assert.Empty(Console.Calls);
        await question.GetByRole(AriaRole.Button, new() { Name = "Rotate", Exact = true }).ClickAsync();

        await Expect(page.GetByText("inf_in-its-place")).ToBeVisibleAsync();
        await Expect(page.GetByText("first-admin has a new key, which is shown below.")).ToBeVisibleAsync();
        Assert.Equal($$"""POST /v1/keys/0198f0b4-0000-7000-8000-0000000000aa/rotate {"overlap":"{{overlap}}"}""", Assert.Single(Console.Calls));
    }

    [Fact]
    public async Task Key_is_revoked_after_it_was_said_who_is_refused_then()
    {
        var page = await OpenAsync("/keys");
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke first-admin" }).ClickAsync();
        await Expect(page.GetByText("Whoever uses it, or a token made with it, is refused within a second. It can't be taken back.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }).ClickAsync();

        await Expect(page.GetByText("The key first-admin is revoked.")).ToBeVisibleAsync();
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

    [Fact]
    public async Task Usage_shows_the_cost_of_each_tenant_to_the_smallest_part_and_gives_the_statement()
    {
        var page = await OpenAsync("/usage");
        var tenants = page.GetByRole(AriaRole.Region, new() { Name = "By tenant" });
        await Expect(tenants.GetByText("0.0000125 EUR")).ToBeVisibleAsync();
        await Expect(tenants.GetByText("1.25 EUR")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Jan 2" })).ToContainTextAsync("0.0500125 EUR");

        // A day and three hours of 31 days are gone.
        await Expect(page.Figure("forecast")).ToHaveTextAsync("34.36 EUR");

        var download = await page.RunAndWaitForDownloadAsync(
            () => page.GetByRole(AriaRole.Link, new() { Name = "This month as CSV" }).ClickAsync());
        Assert.Equal("tenant,cost\nacme,0.0000125\n",
            await File.ReadAllTextAsync(await download.PathAsync(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Tenant_is_made_limited_by_a_form_and_suspended_after_a_confirmation()
    {
        var page = await OpenAsync("/tenants");
        await page.GetByLabel("Id", new() { Exact = true }).FillAsync("globex");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create tenant" }).ClickAsync();
        await Expect(page.GetByText("globex is a tenant now.")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Limits of acme" }).ClickAsync();
        await Expect(page.GetByLabel("Requests a minute")).ToHaveValueAsync("600");
        await page.GetByLabel("Requests a minute").FillAsync("30");
        await page.GetByLabel("Budget a month").FillAsync("12.5");
        await page.GetByRole(AriaRole.Button, new() { Name = "Set the limits" }).ClickAsync();
        await Expect(page.GetByText("The limits of acme are set.")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Suspend acme" }).ClickAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "All of its keys and tokens are refused within a second" })
            .GetByRole(AriaRole.Button, new() { Name = "Suspend", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Resume acme" }).ClickAsync();
        await Expect(page.GetByText("acme is accepted again.")).ToBeVisibleAsync();
        Assert.Equal(
            [
                """POST /v1/tenants {"id":"globex","name":"globex"}""",
                """PATCH /v1/tenants/acme {"requests_per_minute":30,"burst":null,"max_concurrency":null,"monthly_inferences":null,"monthly_budget":12.5,"monthly_tokens":null}""",
                "POST /v1/tenants/acme/suspend ", "POST /v1/tenants/acme/resume ",
            ],
            Console.Calls);

        // Nobody locks the own tenant out.
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Suspend default" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Audit_is_searched_and_its_chain_verified()
    {
        var page = await OpenAsync("/audit");
        await Expect(page.GetByText("key.created")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Verify the chain" }).ClickAsync();
        await Expect(page.GetByText("The chain is whole: 17 entries.")).ToBeVisibleAsync();

        await page.GetByLabel("Action begins with").FillAsync("nothing.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Expect(page.GetByText("No entry is like that.")).ToBeVisibleAsync();
        Assert.EndsWith("/audit?action=nothing.", page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Model_that_is_dropped_is_sent_whole_and_leads_to_its_page()
    {
        var page = await OpenAsync("/models");
        await page.GetByLabel("ONNX file").SetInputFilesAsync(
            new FilePayload { Name = "My Digits.onnx", MimeType = "application/octet-stream", Buffer = "onnx-bytes"u8.ToArray() });
        await Expect(page.GetByLabel("Name of the model")).ToHaveValueAsync("my-digits");
        await page.GetByRole(AriaRole.Button, new() { Name = "Upload" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("my-digits");
        Assert.Equal("POST /v1/models/my-digits/versions onnx-bytes", Assert.Single(Console.Calls));
    }

    [Fact]
    public async Task Time_tells_its_absolute_in_the_readers_zone_under_the_pointer()
    {
        var page = await OpenAsync("/audit");
        var time = page.Locator("main time").First;
        await Expect(time).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(
            "^\\d+ d \\d+ h ago$", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
        await time.HoverAsync();

        var local = await page.EvaluateAsync<string>(
            "new Date('2026-01-02T03:04:05Z').toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' })");
        await Expect(time).ToHaveAttributeAsync("title", local);
    }

    private async Task<IPage> OpenAsync(string path, Action? arrange = null, string role = "admin", int width = 1280,
        ColorScheme scheme = ColorScheme.Light)
    {
        var page = await dashboard.OpenAsync(width, scheme: scheme);
        dashboard.Api.Role = role;
        arrange?.Invoke();
        await page.GotoAsync(path);
        await page.SubmitKeyAsync(FakeApi.Key);
        await Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Main" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Status, new() { Name = "Loading" })).ToBeHiddenAsync();
        return page;
    }
}
