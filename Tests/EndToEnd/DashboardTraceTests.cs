using System.Text;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>What a person does in the dashboard, as its trace shows it.</summary>
[Trait("Tier", "Nightly")]
public sealed class DashboardTraceTests(TracedQueuePlatform platform) : IClassFixture<TracedQueuePlatform>
{
    [Fact]
    public async Task One_trace_spans_the_dashboard_the_api_the_queue_and_the_worker()
    {
        Browser.SkipUnlessInstalled();
        await using var browser = await Browser.StartAsync();
        var page = await browser.NewPageAsync(platform.App.GetEndpoint("web", "http").ToString());
        await page.GotoAsync("/playground");
        await page.GetByLabel("API key").FillAsync(Platform.AdminKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page.Locator("canvas[data-ready]")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Draw an example" }).ClickAsync();
        await Assertions.Expect(page.Locator("[data-answer]")).ToBeVisibleAsync();

        await Wait.UntilAsync(() => Traces("worker", "infer digits")
            .Intersect(Traces("api", "POST /v2/models/{model}/versions/{version}/infer").Concat(Traces("api", "POST /v2/models/{model}/infer")))
            .Intersect(Traces("api", "redis"))
            .Intersect(Traces("web", "POST"))
            .Any());
    }

    /// <summary>The traces in the exports of a service in which a span of this name stands.</summary>
    private HashSet<string> Traces(string service, string span)
    {
        var traces = new HashSet<string>(StringComparer.Ordinal);
        foreach (var export in platform.Exports.Where(e => Contains(e, service) && Contains(e, span)))
        {
            // A span begins with its trace's id: field 1, 16 bytes.
            for (var at = 0; at + 18 <= export.Length; at++)
            {
                if (export[at] == 0x0A && export[at + 1] == 16)
                {
                    traces.Add(Convert.ToHexString(export, at + 2, 16));
                }
            }
        }

        return traces;
    }

    private static bool Contains(byte[] export, string part) => export.AsSpan().IndexOf(Encoding.UTF8.GetBytes(part)) >= 0;
}
