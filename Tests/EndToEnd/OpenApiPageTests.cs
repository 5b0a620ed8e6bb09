using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A person reads what the Api can do.</summary>
[Collection<DashboardPlatform>]
public sealed class OpenApiPageTests(DashboardPlatform platform)
{
    [Fact]
    public async Task Page_shows_every_operation_under_its_own_policy()
    {
        Browser.SkipUnlessInstalled();
        await using var browser = await Browser.StartAsync();
        var page = await browser.NewPageAsync(platform.App.GetEndpoint("api", "http").ToString());
        var complaints = new List<string>();
        page.Console += (_, message) => complaints.Add(message.Text);
        page.PageError += (_, error) => complaints.Add(error);

        await page.GotoAsync("/openapi");
        await page.Locator("summary", new() { HasText = "/v2/models/{model}/infer" }).ClickAsync();

        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Inference API" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("\"datatype\": \"FP32\"").First).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("A limit of the caller's tenant is reached.").First).ToBeVisibleAsync();

        await page.GetByLabel("Find").FillAsync("dead letter");
        await Assertions.Expect(page.Locator("summary", new() { HasText = "/v2/models/{model}/infer" })).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator("summary", new() { HasText = "/dead-letters/requeue" })).ToBeVisibleAsync();

        // Where the browser refuses to load something by the policy, it says so here; it asks for an icon by itself.
        Assert.DoesNotContain(complaints, c => c.Contains("Content Security Policy", StringComparison.OrdinalIgnoreCase) || c.Contains("Error", StringComparison.Ordinal));
    }
}
