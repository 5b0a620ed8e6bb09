using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A person looks at the platform at work.</summary>
[Collection<DashboardPlatform>]
public sealed partial class DashboardTests(DashboardPlatform platform)
{
    [Fact]
    public async Task Dashboard_shows_the_traffic_of_the_platform_to_who_signs_in_with_the_printed_key()
    {
        Browser.SkipUnlessInstalled();
        await using var browser = await Browser.StartAsync();
        var page = await browser.NewPageAsync(platform.App.GetEndpoint("web", "http").ToString());

        await page.GotoAsync("/");
        await page.GetByLabel("API key").FillAsync(Platform.AdminKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();

        using var traffic = new CancellationTokenSource();
        var sending = SendAsync(traffic.Token);
        try
        {
            await Assertions.Expect(page.GetByRole(AriaRole.Gridcell, new() { Name = "digits/1" })).ToBeVisibleAsync();
            await Assertions.Expect(page.GetByRole(AriaRole.Gridcell, new() { Name = "cpu CPU", Exact = true }).First).ToBeVisibleAsync();
            await Assertions.Expect(page.Locator("[data-figure=requests] .figure-value")).ToHaveTextAsync(NotZero());
        }
        finally
        {
            await traffic.CancelAsync();
            await sending;
        }
    }

    [Fact]
    public async Task Digit_that_is_drawn_in_the_playground_is_the_digit_that_the_model_sees()
    {
        Browser.SkipUnlessInstalled();
        await using var browser = await Browser.StartAsync();
        var page = await browser.NewPageAsync(platform.App.GetEndpoint("web", "http").ToString());
        await page.GotoAsync("/playground");
        await page.GetByLabel("API key").FillAsync(Platform.AdminKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page.Locator("canvas[data-ready]")).ToBeVisibleAsync();
        var seen = page.Locator("[data-answer]");

        await DrawAsync(page, (0.3f, 0.2f), (0.7f, 0.2f), (0.58f, 0.5f), (0.46f, 0.85f));
        await Assertions.Expect(seen).ToHaveTextAsync("7");
        await Assertions.Expect(page.GetByRole(AriaRole.Group, new() { Name = "Probabilities" }).Locator("meter")).ToHaveCountAsync(10);

        await page.GetByRole(AriaRole.Button, new() { Name = "Clear" }).ClickAsync();
        await Assertions.Expect(seen).ToBeHiddenAsync();
        await DrawAsync(page, (0.54f, 0.2f), (0.46f, 0.8f));
        await Assertions.Expect(seen).ToHaveTextAsync("1");
    }

    /// <summary>One stroke through these points, in parts of the drawing area's width and height.</summary>
    private static async Task DrawAsync(IPage page, params (float X, float Y)[] points)
    {
        var box = (await page.Locator("canvas").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + (box.Width * points[0].X), box.Y + (box.Height * points[0].Y));
        await page.Mouse.DownAsync();
        foreach (var (x, y) in points[1..])
        {
            await page.Mouse.MoveAsync(box.X + (box.Width * x), box.Y + (box.Height * y), new() { Steps = 10 });
        }

        await page.Mouse.UpAsync();
    }

    [GeneratedRegex("[1-9]", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NotZero();

    private async Task SendAsync(CancellationToken cancellation)
    {
        using var client = platform.Admin();
        while (!cancellation.IsCancellationRequested)
        {
            using var response = await client.PostAsync(
                "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), TestContext.Current.CancellationToken);
            response.EnsureSuccessStatusCode();
        }
    }
}
