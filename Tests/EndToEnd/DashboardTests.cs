using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A person looks at the platform at work.</summary>
public sealed partial class DashboardTests(Platform platform) : IClassFixture<Platform>
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
            await Assertions.Expect(page.GetByRole(AriaRole.Gridcell, new() { Name = "cpu", Exact = true }).First).ToBeVisibleAsync();
            await Assertions.Expect(page.Locator("[data-figure=requests] .figure-value")).ToHaveTextAsync(NotZero());
        }
        finally
        {
            await traffic.CancelAsync();
            await sending;
        }
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
