using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A person reads what the Api can do.</summary>
[Collection<DashboardPlatform>]
public sealed class OpenApiPageTests(DashboardPlatform platform)
{
    private readonly List<string> _complaints = [];
    private readonly List<string> _elsewhere = [];

    [Fact]
    public async Task Page_shows_every_operation_and_finds_one_under_its_own_policy()
    {
        Browser.SkipUnlessInstalled();
        await using var browser = await Browser.StartAsync();
        var page = await OpenAsync(browser, "#tag/open-inference-protocol/POST/v2/models/{model}/infer");

        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Inference API" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Test Request (post /v2/models/{model}/infer)" }))
            .ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("\"datatype\": \"FP32\"").First).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("A limit of the caller's tenant is reached.").First).ToBeVisibleAsync();

        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("dead letter");
        var found = page.GetByRole(AriaRole.Dialog);
        await Assertions.Expect(found.GetByText("/dead-letters/requeue").First).ToBeVisibleAsync();
        await Assertions.Expect(found.GetByText("/v2/models/{model}/infer", new() { Exact = true })).ToHaveCountAsync(0);
        AssertWithinPolicy();
    }

    [Fact]
    public async Task Page_tries_an_operation_with_a_key_and_styles_what_it_opens()
    {
        Browser.SkipUnlessInstalled();
        await using var browser = await Browser.StartAsync();
        var page = await OpenAsync(browser, "#tag/open-inference-protocol/GET/v2/models");

        await page.GetByRole(AriaRole.Button, new() { Name = "Test Request (get /v2/models)" }).ClickAsync();
        var client = page.GetByRole(AriaRole.Dialog);
        await client.GetByPlaceholder("Token").FillAsync(Platform.AdminKey);
        await client.GetByRole(AriaRole.Button, new() { Name = "Send get request" }).ClickAsync();

        await Assertions.Expect(client.GetByText("200 OK")).ToBeVisibleAsync();
        await Assertions.Expect(client.GetByText("\"digits\"")).ToBeVisibleAsync();
        AssertWithinPolicy();
    }

    private async Task<IPage> OpenAsync(Browser browser, string operation)
    {
        var api = platform.App.GetEndpoint("api", "http");
        var page = await browser.NewPageAsync(api.ToString());
        page.Console += (_, message) => _complaints.Add(message.Text);
        page.PageError += (_, error) => _complaints.Add(error);
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { Scheme: "http" or "https" or "ws" or "wss" } url && url.Authority != api.Authority)
            {
                _elsewhere.Add(request.Url);
            }
        };
        await page.GotoAsync("/openapi" + operation);
        return page;
    }

    // Where the browser refuses to load something by the policy, it says so in its console.
    private void AssertWithinPolicy()
    {
        Assert.Empty(_elsewhere);
        Assert.DoesNotContain(_complaints, c =>
            c.Contains("Content Security Policy", StringComparison.OrdinalIgnoreCase) || c.Contains("Error", StringComparison.Ordinal));
    }
}
