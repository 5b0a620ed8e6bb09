using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>
/// Every page at the widths of a phone and a large screen and at 200 % zoom, in both themes: nothing that axe finds, and no sideways
/// scrolling. The pictures are left in the folder "screenshots" beside the tests, to be looked at.
/// </summary>
[Trait("Tier", "Nightly")]
public class AccessibilityTests(Dashboard dashboard)
{
    public static TheoryData<string, string> Pages => new()
    {
        { "/", "[data-health]" },
        { "/?range=24h", "[aria-label^='Traffic, last 24 h. Now: requests']" },
        { "/models", "#models-title" },
        { "/models/digits", "#versions-title" },
        { "/requests", "#requests-title" },
        { $"/requests/{FakeConsole.ServedRequest}", "#again-title" },
        { $"/requests/{FakeConsole.FailedRequest}", "#again-title" },
        { "/jobs", "#jobs-title" },
        { "/jobs/0198f0b4-0000-7000-8000-00000000000b", "#events-title" },
        { "/batches", "#batches-title" },
        { "/queues", "#queues-title" },
        { "/dead-letters", "#letters-title" },
        { "/workers", "#workers-title" },
        { "/tenants", "#tenants-title" },
        { "/tenants/acme", "#tenant-title" },
        { "/keys", "#keys-title" },
        { "/keys/0198f0b4-0000-7000-8000-0000000000aa", "#key-title" },
        { "/workers/worker-7f9c", ".facts-row" },
        { "/batches/0198f0b4-0000-7000-8000-0000000000b1", "#batch-title" },
        { "/audit/17", "#entry-title" },
        { "/usage", "[data-figure=cost]" },
        { "/audit", "#audit-title" },
        { "/settings", "#services-title" },
        { "/playground", "canvas[data-ready]" },
    };

    // A window of 1280 px at 200 % zoom.
    private const int Zoomed = 640;

    // Radzen's charts are images whose points can be focused; its markup can't be changed from here.
    private static readonly AxeRunOptions Rules = new() { Rules = new() { ["nested-interactive"] = new() { Enabled = false } } };

    // Names of grids whose last column, which has the buttons, is out of sight.
    private const string Cut =
        "[...document.querySelectorAll('.rz-data-grid-data')].filter(grid => grid.scrollWidth > grid.clientWidth).map(grid => grid.innerText)";

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task Page_has_no_violation_in_either_theme_at_any_width(string path, string ready)
    {
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            var page = await dashboard.OpenAsync(1920, scheme: scheme);
            await page.GotoAsync(path);
            await page.SubmitKeyAsync(FakeApi.Key);
            await Expect(page.Locator(ready)).ToBeVisibleAsync();
            var chromium = await page.Context.NewCDPSessionAsync(page);
            foreach (var width in new[] { 1920, 1280, Zoomed, 390 })
            {
                await page.SetViewportSizeAsync(width, 900);
                if (width == Zoomed)
                {
                    await chromium.SendAsync("Emulation.setDeviceMetricsOverride", new Dictionary<string, object>(StringComparer.Ordinal)
                    {
                        ["width"] = width,
                        ["height"] = 450,
                        ["deviceScaleFactor"] = 2,
                        ["mobile"] = false,
                    });
                    Assert.Equal(2, await page.EvaluateAsync<double>("devicePixelRatio"));
                }

                // Charts find their size a moment after that of the window.
                await Wait.UntilAsync(
                    async () => await page.EvaluateAsync<int>("document.documentElement.scrollWidth") == width,
                    awaited: $"{path} to fit {width} px");
                await page.ScreenshotAsync(new() { Path = Picture(path, scheme, width), FullPage = true });
                Assert.Empty(width < 1280 ? [] : await page.EvaluateAsync<string[]>(Cut));
                var found = await page.RunAxe(Rules);
                Assert.True(
                    found.Violations.Length == 0, $"{path}, {scheme}, {width} px: " + string.Join("; ", found.Violations.Select(violation =>
                    $"{violation.Id}: {string.Join(" | ", violation.Nodes.Select(node => $"{node.Html} {string.Join(' ', node.Any.Select(check => check.Message))}"))}")));
            }
        }
    }

    private static string Picture(string path, ColorScheme scheme, int width)
    {
        var name = path.Trim('/') is { Length: > 0 } page ? page.Replace('/', '-').Replace("?", "overview-", StringComparison.Ordinal) : "overview";
        return Path.Combine(AppContext.BaseDirectory, "screenshots", $"{name}-{scheme}-{width}.png");
    }
}
