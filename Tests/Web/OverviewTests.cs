using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

public class OverviewTests(Dashboard dashboard)
{
    [Theory]
    [InlineData("met", ColorScheme.Light, "80 % of the error budget is left", "1h: 0.2×, 5m: 0.2×; limit 14.4×")]
    [InlineData("met", ColorScheme.Dark, "80 % of the error budget is left", "1h: 0.2×, 5m: 0.2×; limit 14.4×")]
    [InlineData("burning", ColorScheme.Light, "the error budget is overspent by 25 %", "1h: 20.5×, 5m: 20.5×; limit 14.4×: too fast, P1")]
    [InlineData("burning", ColorScheme.Dark, "the error budget is overspent by 25 %", "1h: 20.5×, 5m: 20.5×; limit 14.4×: too fast, P1")]
    public async Task Objectives_tell_their_state_their_budget_and_its_burn_rates(string state, ColorScheme scheme, string budget, string burn)
    {
        var page = await dashboard.OpenAsync(scheme: scheme);
        dashboard.Api.Console.Objectives = state;
        await page.SignInAsync();

        var availability = page.Locator("[data-objective=availability]");
        await Expect(availability.Locator(".badge")).ToHaveTextAsync(state);
        var kept = "99.98 % of 10,000 requests were; 2 were not. 99.9 % is promised.";
        foreach (var text in new[] { kept, budget, burn, "3d: 0.5×, 6h: no requests; limit 1×" })
        {
            await Expect(availability).ToContainTextAsync(text);
        }

        await Expect(page.Locator("[data-objective=latency]")).ToContainTextAsync("Answered within 500 ms");

        // Kept promises leave the charts their place; broken ones come first, with how fast it goes.
        Assert.Equal(state == "burning", await availability.Locator("details").EvaluateAsync<bool>("details => details.open"));
        var (promises, charts) = (await availability.BoundingBoxAsync(), await page.Locator("section[aria-label=Traffic]").BoundingBoxAsync());
        Assert.Equal(state == "burning", promises!.Y < charts!.Y);
        var found = await page.RunAxe(new AxeRunOptions { Rules = new() { ["nested-interactive"] = new() { Enabled = false } } });
        Assert.True(found.Violations.Length == 0, string.Join("; ", found.Violations.Select(v => $"{v.Id}: {v.Nodes[0].Html}")));
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { } folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"objectives-{state}-{scheme}.png") });
        }
    }

    [Fact]
    public async Task Objectives_without_traffic_say_what_will_be_seen()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.Console.Objectives = "no_traffic";
        await page.SignInAsync();

        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Service objectives" }))
            .ToContainTextAsync("No requests yet. About a minute after the first");
    }

    [Fact]
    public async Task Overview_shows_numbers_that_move()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();

        var first = await page.Figure("requests").InnerTextAsync();
        Assert.InRange(int.Parse(first, System.Globalization.CultureInfo.InvariantCulture), 100, 200);
        await Expect(page.Figure("requests")).Not.ToHaveTextAsync(first);
        await Expect(page.Figure("latency")).ToHaveTextAsync("12.3 ms");
        await Expect(page.Locator("[data-figure=errors]")).ToContainTextAsync("of requests");
        await Expect(page.Figure("workers")).ToHaveTextAsync("1/1");
        await Expect(page.Figure("hour")).ToHaveTextAsync("1.25");
        await Expect(page.Figure("models")).ToHaveTextAsync("2/3");
        await Expect(page.Locator("[data-figure=models]")).ToContainTextAsync("1 cold");
        await Expect(page.Locator("[data-figure=models] .alert")).ToHaveCountAsync(0);
        await Expect(page.Figure("rejections")).ToHaveTextAsync("6.5");
    }

    [Fact]
    public async Task Overview_lists_workers_models_and_replicas()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();

        var workers = page.GetByRole(AriaRole.Region, new() { Name = "Workers" });
        foreach (var text in new[] { "worker-7f9c", "cpu", "CPU", "ready", "digits/1, sentiment/3", "1.42 cores", "700 MiB", "152", "7.5" })
        {
            await Expect(workers.GetByText(text, new() { Exact = true })).ToBeVisibleAsync();
        }

        var models = page.GetByRole(AriaRole.Region, new() { Name = "Models" });
        await Expect(models.GetByText("input: FP32 [N × 8 × 8]")).ToBeVisibleAsync();
        await Expect(models.GetByText("off: its operator Unique makes as many rows as the values say")).ToBeVisibleAsync();
        await Expect(models.GetByText("label: INT64 [N], probabilities: FP32 [N × 10]")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "API replicas" }).GetByText("api-5d8b")).ToBeVisibleAsync();

        var decisions = page.GetByRole(AriaRole.Region, new() { Name = "Traffic decisions" });
        foreach (var text
            in new[]
            {
                "2026-01-02 03:04:05 UTC", "canary 4 rolled back", "automatic", "9 of 60 requests failed", "policy set", "First admin key",
                "canary 4 at 10 %", "promoted 2", "Ada", "instead of 1",
            })
        {
            await Expect(decisions.GetByText(text, new() { Exact = true })).ToBeVisibleAsync();
        }
    }

    [Fact]
    public async Task Charts_draw_every_line()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.Counts = false;
        await page.SignInAsync();

        // Rates of models are told by counts, of which two are needed.
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Throughput by model" })
            .GetByText("The first numbers come within ten seconds.")).ToBeVisibleAsync();
        dashboard.Api.Counts = true;
        foreach (var (chart, lines) in new[] { ("Traffic", 3), ("Latency", 3), ("Queue depth", 1), ("Oldest waiting request", 1), ("Load of workers", 1) })
        {
            await Expect(page.Locator($"section[aria-label='{chart}'] .rz-line-series path")).ToHaveCountAsync(lines);
        }

        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "Load of workers" })).ToHaveAccessibleNameAsync(
            "Load of workers, last 5 min. Now: worker-7f9c 142");
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "Throughput by model" })).ToHaveAccessibleNameAsync(
            new Regex("digits [1-9].*, sentiment [1-9]", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Charts_share_their_axis_their_crosshair_and_marks_of_what_was_changed()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.Console.Changed = true;
        await page.SignInAsync("/?range=1h");
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "Throughput by model" }))
            .ToHaveAccessibleNameAsync("Throughput by model, last 1 h. Now: digits 5, sentiment 2");
        var changed = page.GetByRole(AriaRole.Region, new() { Name = "What changed" }).GetByRole(AriaRole.Listitem);
        await Expect(changed).ToHaveCountAsync(3);
        await Expect(changed.Nth(1)).ToContainTextAsync("Canary sentiment/4 rolled back by automatic · 9 of 60 requests failed");
        await Expect(changed.First.GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", "/models/digits");

        // A mark tells more under the pointer, at its time on each chart.
        await Expect(page.Locator(".mark")).ToHaveCountAsync(15);
        var chart = page.Locator("section[aria-label=Latency]");
        var mark = chart.Locator(".mark").Last;
        await Wait.UntilAsync(async () =>
        {
            // A chart finds its size a moment after it is there.
            if (await mark.BoundingBoxAsync() is { } box)
            {
                await page.Mouse.MoveAsync(box.X, box.Y);
            }

            return await mark.Locator(".mark-text").IsVisibleAsync();
        });
        await Expect(mark).ToContainTextAsync("digits/2 promoted, by first-admin: instead of 1");
        await Expect(mark.Locator("time[data-clock=full]")).ToHaveTextAsync(new Regex("^[0-9]{4}-.* UTC$", RegexOptions.None, TimeSpan.FromSeconds(1)));

        var plot = (await chart.Locator(".plot").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(plot.X + (plot.Width / 2), plot.Y + (plot.Height / 2));
        await Expect(page.Locator(".plot[data-cross]")).ToHaveCountAsync(5);
        var told = await page.Locator(".crosshair").EvaluateAllAsync<string[]>("lines => lines.map(line => line.dataset.ago)");
        Assert.Matches("^[1-5][0-9](\\.[0-9])? min ago$", Assert.Single(told.Distinct(StringComparer.Ordinal)));
        await page.Mouse.MoveAsync(0, 0);
        await Expect(page.Locator(".plot[data-cross]")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Chart_tells_its_numbers_under_the_pointer_while_it_moves_on()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        var chart = page.Locator("section[aria-label=Latency] .rz-chart");
        await Expect(page.Locator("section[aria-label=Latency] .rz-line-series path")).ToHaveCountAsync(3);

        // The newest second is at the right; each move asks again, as a hand does. A chart finds its size a moment after it is there.
        var across = 0;
        await Wait.UntilAsync(async () =>
        {
            var box = (await chart.BoundingBoxAsync())!;
            await page.Mouse.MoveAsync(box.X + (box.Width * 0.97f) - (across++ % 20), box.Y + (box.Height * 0.5f));
            return await page.Locator(".rz-chart-tooltip").GetByText("p95").CountAsync() > 0;
        });
    }

    [Theory]
    [InlineData("operational", "0.5", 0, "cold", true, "")]
    [InlineData("degraded", "9", 0, "cold", true, "% of requests fail.")]
    [InlineData("degraded", "0", 75, "cold", true, "the oldest for 1 min.")]
    [InlineData("degraded", "0", 0, "unavailable", true, "No worker can load delivery/2.")]
    [InlineData("outage", "90", 0, "cold", true, "% of requests fail.")]
    [InlineData("outage", "0", 75, "cold", false, "No worker is running.")]
    public async Task Health_is_told_first_with_its_reason(
        string level, string errors, int oldestWait, string coldState, bool workers, string reason)
    {
        var page = await dashboard.OpenAsync();
        var api = dashboard.Api;
        (api.Errors, api.OldestWait, api.ColdState, api.Workers) = (errors, oldestWait, coldState, workers);
        await page.SignInAsync();

        var health = page.Locator("[data-health]");
        await Expect(health).ToHaveAttributeAsync("data-health", level);
        await Expect(health).ToContainTextAsync(reason);
        if (level == "operational")
        {
            await Expect(health).Not.ToContainTextAsync("since");
            return;
        }

        // It was so before anybody looked.
        await Expect(health).ToContainTextAsync("since before ");
        api.Reset();
        await Expect(health).ToHaveAttributeAsync("data-health", "operational");
        await Expect(health).ToContainTextAsync("since ");
        await Expect(health).Not.ToContainTextAsync("since before");
    }

    [Fact]
    public async Task Three_things_that_want_attention_are_on_top_and_lead_to_where_something_can_be_done()
    {
        var page = await dashboard.OpenAsync();
        var api = dashboard.Api;
        (api.Errors, api.OldestWait, api.ColdState, api.DeadLetters) = ("9", 75, "unavailable", 2);
        await page.SignInAsync();

        var reasons = page.Locator("[data-health]").GetByRole(AriaRole.Listitem);
        await Expect(reasons).ToHaveCountAsync(4);
        await Expect(reasons.Nth(0).GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", "/requests?range=15m&status=5xx");
        await Expect(reasons.Nth(1).GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", "/queues");
        await Expect(reasons.Nth(2).GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", "/models/delivery");
        await Expect(reasons.Nth(3)).ToHaveTextAsync("and 1 other");

        // What was given up is no failure of now, and counted beside its section too.
        api.Reset();
        api.DeadLetters = 2;
        await Expect(page.Locator("[data-health=operational]")).ToBeVisibleAsync();
        await reasons.GetByRole(AriaRole.Link, new() { Name = "2 requests were given up" }).ClickAsync();
        await Expect(page.Locator("#letters-title")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Main" })
            .GetByRole(AriaRole.Link, new() { Name = "Dead letters 2" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Numbers_that_no_longer_come_are_not_called_live()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        await Expect(page.GetByText("Live", new() { Exact = true })).ToBeVisibleAsync();

        // The server goes on, and the browser is cut off from it.
        await page.Context.SetOfflineAsync(true);
        await Expect(page.GetByText("This browser is offline")).ToBeVisibleAsync();
        await Expect(page.GetByText("Not live", new() { Exact = true })).ToBeVisibleAsync();
        await Expect(page.Locator("[data-health]")).ToContainTextAsync("Not live, it was:");

        await page.Context.SetOfflineAsync(false);
        await Expect(page.GetByText("This browser is offline")).ToBeHiddenAsync();
        await Expect(page.GetByText("Live", new() { Exact = true })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Nothing_flickers_or_moves_while_the_numbers_do()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        await Expect(page.Locator("section[aria-label=Latency] .rz-line-series path")).ToHaveCountAsync(3);
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "Throughput by model" })).ToBeVisibleAsync();

        // What is there is changed in place, and nothing makes room for anything else, but for the words that no numbers came for seconds.
        await page.EvaluateAsync("""
            async () => {
                await document.fonts.ready;
                window.kept = Object.fromEntries(
                    ['[data-health]', '[data-figure=requests] .figure-value', '.live time', '.rz-chart', '.rz-data-row', '.rz-data-row a']
                        .map(selector => [selector, document.querySelector(selector)]));
                window.shifts = [];
                new PerformanceObserver(list => window.shifts.push(...list.getEntries())).observe({ type: 'layout-shift' });
                window.waits = [];
                new MutationObserver(() => {
                    const from = performance.now();
                    requestAnimationFrame(() => requestAnimationFrame(to => window.waits.push([from, to])));
                }).observe(document.querySelector('.live'), { attributeFilter: ['data-stale'] });
            }
            """);
        var replica = page.GetByRole(AriaRole.Region, new() { Name = "API replicas" }).GetByRole(AriaRole.Row).Last;
        foreach (var _ in Enumerable.Range(0, 4))
        {
            var (before, rates) = (await page.Locator(".live time").GetAttributeAsync("datetime"), await replica.InnerTextAsync());
            await Expect(replica).Not.ToHaveTextAsync(rates, new() { UseInnerText = true });
            await Expect(page.Locator(".live time")).Not.ToHaveAttributeAsync("datetime", before!);
        }

        Assert.Empty(await page.EvaluateAsync<string[]>("Object.keys(window.kept).filter(name => !window.kept[name]?.isConnected)"));

        // Less is a fraction of a pixel that nobody sees.
        Assert.Empty(await page.EvaluateAsync<double[]>("""
            window.shifts.filter(shift => !window.waits.some(([from, to]) => shift.startTime >= from && shift.startTime <= to))
                .map(shift => shift.value).filter(share => share > 1e-5)
            """));
    }

    [Fact]
    public async Task Overview_of_a_platform_that_has_served_and_rests_shows_its_charts()
    {
        var page = await dashboard.OpenAsync();
        (dashboard.Api.Traffic, dashboard.Api.Served) = (false, true);
        await page.SignInAsync();

        await Expect(page.Locator("section[aria-label=Traffic]")).ToBeVisibleAsync();
        await Expect(page.GetByText("No requests yet")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Key_whose_role_may_not_see_the_overview_is_told_so()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.Forbidden = true;
        await page.GotoAsync("/");
        await page.SubmitKeyAsync(FakeApi.Key);

        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("role of your API key may not see this");
        await Expect(page.GetByRole(AriaRole.Status, new() { Name = "Loading the overview" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Overview_offers_a_command_when_there_was_no_request_yet_and_charts_after_the_first()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.Traffic = false;
        await page.SignInAsync();

        await Expect(page.GetByText("No requests yet. Send one:")).ToBeVisibleAsync();
        var command = await page.Locator("#first-request-command").InnerTextAsync();
        Assert.StartsWith($"curl {dashboard.Api.Url}/v2/models/digits/infer", command, StringComparison.Ordinal);
        Assert.Contains("""{"inputs":[{"name":"input","datatype":"FP32","shape":[1,8,8],"data":[0,0""", command, StringComparison.Ordinal);
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();
        await page.CopiedAsync(command);

        dashboard.Api.Traffic = true;
        await Expect(page.Locator("section[aria-label=Traffic]")).ToBeVisibleAsync();
        await Expect(page.GetByText("No requests yet")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Overview_keeps_the_last_numbers_and_recovers_when_the_api_goes_and_comes_back()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        dashboard.Api.Down = true;

        var banner = page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert);
        await Expect(banner).ToContainTextAsync("API unreachable, retrying.");
        await Expect(banner).ToContainTextAsync("UTC");
        await Expect(page.Figure("requests")).ToBeVisibleAsync();
        var frozen = await page.Figure("requests").InnerTextAsync();

        dashboard.Api.RequestsPerSecond = 5000;
        dashboard.Api.Down = false;
        await Expect(banner).ToBeHiddenAsync();
        await Expect(page.Figure("requests")).Not.ToHaveTextAsync(frozen);
    }

    [Theory]
    [InlineData("1 h", "1h", "-1 h", 1)]
    [InlineData("24 h", "24h", "-4 h", 24)]
    [InlineData("7 d", "7d", "-1 d", 168)]
    public async Task Charts_reach_back_beyond_the_time_that_the_page_is_open(string name, string range, string mark, int rejections)
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true }).ClickAsync();

        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/?range={range}");
        await page.ReloadAsync();
        var chart = page.GetByRole(AriaRole.Img, new() { Name = $"Traffic, last {name}" });
        await Expect(chart).ToHaveAccessibleNameAsync(
            $"Traffic, last {name}. Now: requests 19, rejected (4xx) {rejections}, failed (5xx) 0.5");
        await Expect(chart.GetByText(mark, new() { Exact = true })).ToBeVisibleAsync();
        foreach (var queue in (string[])[$"Queue depth, last {name}. Now: queued 40", $"Oldest waiting request, last {name}. Now: oldest 2.5"])
        {
            await Expect(page.GetByRole(AriaRole.Img, new() { Name = queue, Exact = true })).ToBeVisibleAsync();
        }

        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Load of workers" })).ToBeHiddenAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "5 min", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Load of workers" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Failures_of_the_overview_lead_to_their_requests()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Failed (5xx)" }).ClickAsync();

        await Expect(page.GetByLabel("Outcome")).ToHaveValueAsync("5xx");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Requests" })).ToBeVisibleAsync();
        await Wait.UntilAsync(
            () => dashboard.Api.Console.RequestsAsked.Any(asked => asked.Contains("status=5xx", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Overview_says_so_when_there_are_no_workers()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.Workers = false;
        await page.SignInAsync();

        await Expect(page.GetByText("No workers. Requests wait in the queue")).ToBeVisibleAsync();
        await Expect(page.Figure("workers")).ToHaveTextAsync("0/0");
        await Expect(page.GetByText("unavailable").First).ToBeVisibleAsync();
    }
}
