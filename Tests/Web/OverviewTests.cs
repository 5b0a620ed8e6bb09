using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

public class OverviewTests(Dashboard dashboard)
{
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
        await Expect(page.Figure("models")).ToHaveTextAsync("2/2");
    }

    [Fact]
    public async Task Overview_lists_workers_models_and_replicas()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();

        var workers = page.GetByRole(AriaRole.Region, new() { Name = "Workers" });
        foreach (var text in new[] { "worker-7f9c", "gpu-node-1", "cpu", "CPU", "ready", "digits/1, sentiment/3", "152", "7.5" })
        {
            await Expect(workers.GetByText(text, new() { Exact = true })).ToBeVisibleAsync();
        }

        var models = page.GetByRole(AriaRole.Region, new() { Name = "Models" });
        await Expect(models.GetByText("input: FP32 [N × 8 × 8]")).ToBeVisibleAsync();
        await Expect(models.GetByText("off: its operator Unique makes as many rows as the values say")).ToBeVisibleAsync();
        await Expect(models.GetByText("label: INT64 [N], probabilities: FP32 [N × 10]")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "API replicas" }).GetByText("api-5d8b")).ToBeVisibleAsync();

        var decisions = page.GetByRole(AriaRole.Region, new() { Name = "Traffic decisions" });
        foreach (var text in new[] { "2026-01-02 03:04:05", "took 4 back", "automatic", "9 of 60 requests failed", "set", "First admin key" })
        {
            await Expect(decisions.GetByText(text, new() { Exact = true })).ToBeVisibleAsync();
        }
    }

    [Fact]
    public async Task Charts_draw_every_line()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();

        foreach (var (chart, lines) in new[] { ("Traffic", 2), ("Latency", 3), ("Queue depth", 1) })
        {
            await Expect(page.Locator($"section[aria-label='{chart}'] .rz-line-series path")).ToHaveCountAsync(lines);
        }
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
        Assert.Equal(command, await page.EvaluateAsync<string>("navigator.clipboard.readText()"));

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
