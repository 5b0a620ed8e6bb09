using System.Reflection;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Web.ApiClient;
using Microsoft.AspNetCore.Components;
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
    [InlineData("admin", "Overview, Requests, Models, Jobs, Batch jobs, Queues, Dead letters, Workers, Tenants, Keys, Usage & cost, Audit, "
        + "Playground, Settings")]
    [InlineData("user", "Overview, Requests, Models, Jobs, Batch jobs, Workers, Usage & cost, Playground, Settings")]
    [InlineData("service", "Jobs, Batch jobs, Usage & cost, Settings")]
    public async Task Navigation_offers_what_the_role_may_read(string role, string sections)
    {
        var page = await OpenAsync("/jobs", role: role);

        var links = page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link);
        var names = await links.Locator("span:not(.icon)").AllInnerTextsAsync();
        Assert.Equal(sections, string.Join(", ", names));
        await Expect(links.Filter(new() { Has = page.GetByText("Jobs", new() { Exact = true }) })).ToHaveClassAsync("active");
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
    [InlineData("/jobs", "-H 'Prefer: respond-async'")]
    [InlineData("/batches", "--data-binary @requests.jsonl")]
    [InlineData("/models", "--data-binary @model.onnx")]
    public async Task Page_without_anything_to_show_has_the_command_of_the_next_step(string path, string part)
    {
        var page = await OpenAsync(path, () => Console.Empty = true);
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);

        await page.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();
        await page.CopiedAsync(text => text.Contains($"curl {dashboard.Api.Url}/", StringComparison.Ordinal)
            && text.Contains(part, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/models/digits", "Models", "/models")]
    [InlineData("/requests/0198f0b4-0000-7000-8000-0000000000f5", "Requests", "/requests")]
    [InlineData("/jobs/0198f0b4-0000-7000-8000-00000000000a", "Jobs", "/jobs")]
    [InlineData("/batches/0198f0b4-0000-7000-8000-0000000000b1", "Batch jobs", "/batches")]
    [InlineData("/dead-letters/digits/1/1767323045000-0", "Dead letters", "/dead-letters")]
    [InlineData("/workers/worker-7f9c", "Workers", "/workers")]
    [InlineData("/tenants/acme", "Tenants", "/tenants")]
    [InlineData("/keys/0198f0b4-0000-7000-8000-0000000000aa", "Keys", "/keys")]
    [InlineData("/audit/17", "Audit", "/audit")]
    public async Task Page_of_one_thing_has_its_address_and_leads_back_to_all(string path, string section, string address)
    {
        var page = await OpenAsync(path);
        await page.GetByRole(AriaRole.Heading, new() { Level = 1 }).GetByRole(AriaRole.Link, new() { Name = section }).ClickAsync();

        await Expect(page).ToHaveURLAsync(dashboard.Url + address);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = section, Level = 1, Exact = true })).ToBeVisibleAsync();
        await Expect(page.Locator($"main a[href^='{(path.StartsWith("/dead-", StringComparison.Ordinal) ? address + "/" : path)}']").First)
            .ToBeVisibleAsync();
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
    [InlineData("/settings")]
    public async Task Page_that_the_api_refuses_says_why_and_the_trace_id(string path)
    {
        var page = await OpenAsync(path, () => Console.Problem = "The database is being moved.");

        var alert = page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert);
        await Expect(alert).ToContainTextAsync("409: The database is being moved.");
        await Expect(alert.GetByRole(AriaRole.Link, new() { Name = $"Trace {FakeConsole.Trace}" }))
            .ToHaveAttributeAsync("href", $"http://traces.example/{FakeConsole.Trace}");
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
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/models?search=dig");
    }

    [Fact]
    public async Task Model_tells_of_its_versions_what_was_inspected()
    {
        var page = await OpenAsync("/models/digits", () => Console.Inspection = "rejected");

        await Expect(page.Locator("[data-stable]")).ToHaveTextAsync("1");
        var versions = page.GetByRole(AriaRole.Region, new() { Name = "Versions" });
        foreach (var text in new[] { "it is no ONNX file", "150 KiB", "input: FP32 [N × 8 × 8] → label: INT64 [N]" })
        {
            await Expect(versions.GetByText(text).First).ToBeVisibleAsync();
        }

        await Expect(versions.GetByText("8 rows learned", new() { Exact = true })).ToHaveCountAsync(1);
        await Expect(versions.GetByTitle("9f86d081884c7d659a2feaa0c55ad015").First).ToHaveTextAsync("9f86d08…");
        await Expect(page.GetByText("prod → 1")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "History" }).GetByText("instead of 0")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "History" }).GetByTitle(FakeConsole.Sha256))
            .ToHaveTextAsync("9f86d081884c…");
        var decision = page.GetByRole(AriaRole.Region, new() { Name = "Traffic decisions" }).GetByRole(AriaRole.Row).Last;
        await Expect(decision).ToContainTextAsync("canary 2 rolled back");
        await Expect(decision).ToContainTextAsync("9 of 60 requests failed, more than 5 %");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Promote 2" })).ToBeHiddenAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Canary and shadow" }).GetByText("9.0 ms")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Model_shows_the_card_of_its_file_without_the_markup_of_its_author()
    {
        var page = await OpenAsync("/models/digits");
        var card = page.GetByRole(AriaRole.Region, new() { Name = "Card" });
        await Expect(card.GetByRole(AriaRole.Heading, new() { Name = "Digits", Level = 3 })).ToBeVisibleAsync();
        await Expect(card.Locator("strong")).ToHaveTextAsync("handwritten");
        await Expect(card.GetByRole(AriaRole.Cell, new() { Name = "98.1 %" })).ToBeVisibleAsync();
        foreach (var fact in new[] { "pytorch 2.9", "ai.onnx 18", "MIT", "vision", "<script>document.title = 'stolen'</script>", "a plot" })
        {
            await Expect(card.GetByText(fact, new() { Exact = true })).ToBeVisibleAsync();
        }

        await Expect(card.Locator("script, img, [onerror]")).ToHaveCountAsync(0);
        Assert.Equal(
            ["https://example.org/paper", "https://example.org/plot.png"],
            await card.GetByRole(AriaRole.Link).EvaluateAllAsync<string[]>("links => links.map(link => link.getAttribute('href'))"));
        await Expect(page).ToHaveTitleAsync("digits · InferenceTemplate");
    }

    [Fact]
    public async Task Model_compares_its_versions_over_time_and_a_canary_with_the_limits_of_its_rule()
    {
        var page = await OpenAsync("/models/digits?range=24h", () => (Console.Canary, Console.Changed) = (true, true));
        foreach (var name in new[] { "Throughput, last 24 h. Now: 1 4, 2 1", "Latency, last 24 h. Now: 1 80, 2 20" })
        {
            await Expect(page.GetByRole(AriaRole.Img, new() { Name = name, Exact = true })).ToBeVisibleAsync();
        }

        // What was done to other models is not marked here.
        await Expect(page.Locator("section[aria-label=Latency] .mark")).ToHaveCountAsync(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "7 d", Exact = true }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/models/digits?range=7d");

        var failed = page.GetByRole(AriaRole.Img, new() { Name = "Failed of 2 canary: 8 %; rolled back above 5 %" });
        Assert.Equal(
            ("over", "90.91%", "56.82%"),
            (await failed.Locator("rect").GetAttributeAsync("class"), await failed.Locator("rect").GetAttributeAsync("width"),
                await failed.Locator(".threshold").GetAttributeAsync("x1")));
        var latency = page.GetByRole(
            AriaRole.Img, new() { Name = "Mean compute time of 2 canary: 5.0 ms; rolled back above 1.5 × the stable one" });
        await Expect(latency.Locator("rect.over")).ToHaveCountAsync(0);
        Assert.Equal("66.67%", await latency.Locator(".threshold").GetAttributeAsync("x1"));

        // The rule is for the canary alone.
        var stable = page.GetByRole(AriaRole.Img, new() { Name = "Failed of 1 stable: 1 %", Exact = true });
        await Expect(stable.Locator(".threshold, .over")).ToHaveCountAsync(0);
        await Expect(page.GetByText("Now: 12 of the 50 requests seen that an evaluation needs.")).ToBeVisibleAsync();
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
        var taken = new TaskCompletionSource();
        Console.SettingsTaken = taken.Task;
        await settings.GetByRole(AriaRole.Button, new() { Name = "Save the settings" }).ClickAsync();
        await Expect(page.Locator("form.fields[inert]")).ToHaveCountAsync(1);
        taken.SetResult();
        await Expect(page.GetByText("The settings of digits are saved.")).ToBeVisibleAsync();
        await Expect(page.Locator("form.fields[inert]")).ToHaveCountAsync(0);
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
        await page.Keyboard.PressAsync("Tab");
        Console.ChangeSettings();
        await settings.GetByRole(AriaRole.Button, new() { Name = "Save the settings" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("Somebody has changed the settings");
        await Expect(settings.GetByLabel("Runs at once")).ToHaveValueAsync("2");

        await page.GetByRole(AriaRole.Button, new() { Name = "Unload digits" }).ClickAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "Take digits out of service?" })
            .GetByRole(AriaRole.Button, new() { Name = "Unload", Exact = true }).ClickAsync();
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
    public async Task Requests_are_filtered_by_what_is_in_the_address_and_page_by_page()
    {
        var page = await OpenAsync($"/requests?range=24h&status=failed&model=sentiment%2F3&tenant=acme&min_ms=0.5&id={FakeConsole.Trace}");
        var grid = page.GetByRole(AriaRole.Region, new() { Name = "Requests" });
        await Expect(grid.GetByText("no worker can load sentiment/3 now: it does not fit into memory")).ToBeVisibleAsync();
        await Expect(page.GetByLabel("Time")).ToHaveValueAsync("24h");
        Assert.Contains(Console.RequestsAsked, asked => asked.StartsWith(
            $"?model=sentiment&version=3&status=failed&min_ms=0.5&trace={FakeConsole.Trace}&tenant=acme&from=", StringComparison.Ordinal));

        await page.GetByRole(AriaRole.Button, new() { Name = "Older" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Older" })).ToBeHiddenAsync();
        await Wait.UntilAsync(() => Console.RequestsAsked.Any(asked => asked.Contains("&cursor=older", StringComparison.Ordinal)));

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
        await page.GetByLabel("From (UTC)").FillAsync("");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();
        await Expect(page.GetByLabel("From (UTC)")).ToHaveValueAsync("2026-01-02T03:00");
        await Expect(page.GetByLabel("To (UTC)")).ToHaveValueAsync("2026-01-02T04:00");
        await Expect(grid.GetByText("it does not fit into memory")).ToBeVisibleAsync();
        await Wait.UntilAsync(() => Console.RequestsAsked.Any(
            asked => asked.Contains("&from=2026-01-02T03%3A00%3A00Z&to=2026-01-02T04%3A00%3A00Z", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("/requests?min_ms=abc&from=yesterday", "Requests")]
    [InlineData("/settings?changed=perhaps", "Settings")]
    [InlineData("/playground?request=none", "Playground")]
    public async Task Value_of_an_address_that_is_no_such_value_counts_as_none(string path, string title)
    {
        var page = await OpenAsync("/");

        Assert.Equal(200, (await page.GotoAsync(dashboard.Url + path))!.Status);
        await Expect(page).ToHaveTitleAsync(new System.Text.RegularExpressions.Regex(
            title, System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Pages_take_the_values_of_their_addresses_as_text() => Assert.All(
        typeof(Query).Assembly.GetTypes()
            .SelectMany(type => type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(property => property.IsDefined(typeof(SupplyParameterFromQueryAttribute))),
        property => Assert.Equal(typeof(string), property.PropertyType));

    [Fact]
    public async Task Filters_of_a_page_follow_a_link_to_it_that_has_others()
    {
        var page = await OpenAsync("/requests?status=failed");
        await Expect(page.GetByLabel("Outcome")).ToHaveValueAsync("failed");

        await page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = "Requests" }).First.ClickAsync();

        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/requests");
        await Expect(page.GetByLabel("Outcome")).ToHaveValueAsync("");
        await page.GoBackAsync();
        await Expect(page.GetByLabel("Outcome")).ToHaveValueAsync("failed");
    }

    [Fact]
    public async Task Request_of_an_id_opens_at_once()
    {
        var page = await OpenAsync($"/requests?id={FakeConsole.ServedRequest}");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("digits/1");
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/requests/{FakeConsole.ServedRequest}");
    }

    [Fact]
    public async Task User_sees_the_requests_of_the_own_tenant()
    {
        var page = await OpenAsync("/requests?tenant=acme", role: "user");

        await Expect(page.GetByText("it does not fit into memory")).ToBeVisibleAsync();
        await Expect(page.GetByLabel("Tenant")).ToBeHiddenAsync();
        Assert.Contains(Console.RequestsAsked, asked => !asked.Contains("tenant=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Request_tells_where_its_time_went_and_runs_again_in_the_playground()
    {
        var page = await OpenAsync("/requests");
        await page.Locator("a[href^='/requests/']").Nth(1).ClickAsync();

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
        await Expect(page.GetByLabel("Model", new() { Exact = true })).ToHaveValueAsync("digits/1");
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
        await payload.GetByRole(AriaRole.Link, new() { Name = "Run what was sent again" }).ClickAsync();
        await Expect(page.GetByText("The form has what was sent in that request.")).ToBeVisibleAsync();
        await Expect(page.Locator("#shape-0")).ToHaveValueAsync("1");
        await page.Locator("#model").SelectOptionAsync("sentiment/3");
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/playground?model=sentiment%2F3");
        await page.GotoAsync($"/playground?model=digits/9&request={FakeConsole.ServedRequest}");
        await Expect(page.GetByText("What was sent is not filled in: digits/9 is not served now.")).ToBeVisibleAsync();
        await page.GotoAsync($"/playground?model=digits/1&request={FakeConsole.FailedRequest}");
        await Expect(page.GetByText("What was sent can't be filled in: the input 'input' was too large")).ToBeVisibleAsync();
        var other = await OpenAsync($"/requests/{FakeConsole.ServedRequest}", role: "user");
        await Expect(other.GetByRole(AriaRole.Region, new() { Name = "Times" })).ToBeVisibleAsync();
        await Expect(other.GetByRole(AriaRole.Region, new() { Name = "Payload" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Model_that_is_dropped_is_sent_whole_and_leads_to_its_page()
    {
        var page = await OpenAsync("/models");
        await page.GetByLabel("ONNX file").ChooseAsync(
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
        var chromium = await page.Context.NewCDPSessionAsync(page);
        await chromium.SendAsync(
            "Emulation.setTimezoneOverride", new Dictionary<string, object>(StringComparer.Ordinal) { ["timezoneId"] = "Asia/Tokyo" });
        var time = page.Locator("main time").First;
        await Expect(time).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(
            "^\\d+ d \\d+ h ago$", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
        await time.HoverAsync();

        await Expect(time).ToHaveAttributeAsync("title", "2026-01-02 12:04:05 GMT+9");
    }

    private Task<IPage> OpenAsync(string path, Action? arrange = null, string role = "admin", int width = 1280,
        ColorScheme scheme = ColorScheme.Light) => dashboard.OpenConsoleAsync(path, arrange, role, width, scheme);
}
