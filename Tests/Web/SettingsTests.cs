using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>The page of settings: what is in effect, and what this browser keeps for itself.</summary>
public class SettingsTests(Dashboard dashboard)
{
    [Fact]
    public async Task Setting_is_found_with_its_value_where_it_comes_from_and_what_changes_it()
    {
        var page = await dashboard.OpenConsoleAsync("/settings");
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        var queue = page.GetByRole(AriaRole.Region, new() { Name = "Queue", Exact = true });
        await Expect(queue.GetByRole(AriaRole.Row)).ToHaveCountAsync(4);
        await Expect(queue.GetByText("256 MiB")).ToBeVisibleAsync();

        await page.GetByLabel("Only what was changed (1)").CheckAsync();
        var row = queue.GetByRole(AriaRole.Row).Nth(1);
        await Expect(queue.GetByRole(AriaRole.Row)).ToHaveCountAsync(2);
        await Expect(row).ToContainTextAsync("5,000");
        await Expect(row).ToContainTextAsync("by default 1,000");
        await Expect(row).ToContainTextAsync("environment");
        await row.GetByRole(AriaRole.Button, new() { Name = "Copy Queue__MaxDepth" }).ClickAsync();
        await page.CopiedAsync("Queue__MaxDepth");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Alerts", Exact = true })).ToBeHiddenAsync();

        // The search is in the address.
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/settings?changed=true");
        await page.ReloadAsync();
        await Expect(queue.GetByRole(AriaRole.Row)).ToHaveCountAsync(2);

        await page.GetByLabel("Only what was changed (1)").UncheckAsync();
        await page.GetByRole(AriaRole.Searchbox, new() { Name = "Setting" }).FillAsync("errorrate");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Alerts", Exact = true })).ToContainTextAsync("5 %");
        await Expect(queue).ToBeHiddenAsync();
        await page.GetByRole(AriaRole.Searchbox, new() { Name = "Setting" }).FillAsync("nothing like it");
        await Expect(page.GetByText("No setting is like that.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Builds_that_run_are_told_with_the_runtime_of_models_and_whose_payloads_are_kept()
    {
        var page = await dashboard.OpenConsoleAsync("/settings");

        var running = page.GetByRole(AriaRole.Region, new() { Name = "What runs" });
        await Expect(running.GetByRole(AriaRole.Row).Filter(new() { HasText = "api-1" })).ToContainTextAsync("1.2.0 01234567…");
        await Expect(running.GetByRole(AriaRole.Row).Filter(new() { HasText = "worker-7f9c" }))
            .ToContainTextAsync("ONNX Runtime 1.27.0, CUDA, cuda:0, NVIDIA L4");
        await Expect(running.GetByText("More than one build runs")).ToBeVisibleAsync();
        await Expect(page.GetByText("digits: 1 % of requests, for 7 days, 1 tensor left out")).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData("user")]
    [InlineData("service")]
    public async Task Settings_of_the_platform_are_not_asked_for_by_who_is_no_administrator(string role)
    {
        var page = await dashboard.OpenConsoleAsync("/settings", role: role);

        await Expect(page.GetByText("What is set for the platform is shown to administrators.")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "UTC" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Times_are_in_the_zone_of_the_browser_or_in_UTC_as_it_was_chosen()
    {
        var page = await dashboard.OpenConsoleAsync("/settings");
        var chromium = await page.Context.NewCDPSessionAsync(page);
        await chromium.SendAsync(
            "Emulation.setTimezoneOverride", new Dictionary<string, object>(StringComparer.Ordinal) { ["timezoneId"] = "Asia/Tokyo" });
        var local = page.GetByRole(AriaRole.Button, new() { Name = "Local" });
        await Expect(local).ToHaveAttributeAsync("aria-pressed", "true");

        await page.GotoAsync($"/requests/{FakeConsole.ServedRequest}");
        var received = page.Locator("time[data-clock=full]");
        await Expect(received).ToHaveTextAsync("2026-01-02 12:04:05 GMT+9");

        await page.GotoAsync("/settings");
        await page.GetByRole(AriaRole.Button, new() { Name = "UTC" }).ClickAsync();
        await Expect(local).ToHaveAttributeAsync("aria-pressed", "false");
        await page.GotoAsync($"/requests/{FakeConsole.ServedRequest}");
        await Expect(received).ToHaveTextAsync("2026-01-02 03:04:05 UTC");
    }

    [Fact]
    public async Task Times_are_typed_in_the_zone_of_the_browser_and_asked_for_in_UTC()
    {
        var page = await dashboard.OpenConsoleAsync("/settings");
        var chromium = await page.Context.NewCDPSessionAsync(page);
        await chromium.SendAsync(
            "Emulation.setTimezoneOverride", new Dictionary<string, object>(StringComparer.Ordinal) { ["timezoneId"] = "Asia/Tokyo" });

        await page.GotoAsync("/requests?from=2026-01-02T03%3A00%3A00Z&to=2026-01-02T04%3A00%3A00Z");
        var to = page.GetByLabel("To (GMT+9)");
        await Expect(page.GetByLabel("From (GMT+9)")).ToHaveValueAsync("2026-01-02T12:00");
        await Expect(to).ToHaveValueAsync("2026-01-02T13:00");
        await to.FillAsync("2026-01-02T12:30");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter" }).ClickAsync();

        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/requests?from=2026-01-02T03%3A00%3A00Z&to=2026-01-02T03%3A30%3A00Z");
        await Wait.UntilAsync(() => dashboard.Api.Console.RequestsAsked.Any(asked => asked.Contains(
            "&from=2026-01-02T03%3A00%3A00Z&to=2026-01-02T03%3A30%3A00Z", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Page_does_not_read_again_where_that_was_chosen_and_says_that_it_is_not_live()
    {
        var page = await dashboard.OpenConsoleAsync("/settings");
        await page.GetByRole(AriaRole.Button, new() { Name = "Off", Exact = true }).ClickAsync();

        await page.GotoAsync("/");
        await Expect(page.GetByText("Not live", new() { Exact = true })).ToBeVisibleAsync();
        var updated = await page.Locator("[data-live] time").GetAttributeAsync("datetime");
        await page.GotoAsync("/settings");
        await page.GetByRole(AriaRole.Button, new() { Name = "Live", Exact = true }).ClickAsync();
        await page.GotoAsync("/");
        await Expect(page.Locator("[data-live] time")).Not.ToHaveAttributeAsync("datetime", updated!);
        await Expect(page.GetByText("Not live", new() { Exact = true })).ToBeHiddenAsync();
    }
}
