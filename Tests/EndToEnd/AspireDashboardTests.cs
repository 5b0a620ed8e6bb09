using System.Net;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A developer follows one inference in the Aspire dashboard: the resources, the trace and the metrics.</summary>
[Collection<DashboardPlatform>]
public sealed class AspireDashboardTests(DashboardPlatform platform)
{
    private const string Route = "POST /v2/models/{model}/infer";
    private const string Meter = "InferenceTemplate.Worker";
    private const string Instrument = "inference.compute.duration";

    private static readonly string[] s_resources = ["postgres", "inference", "redis", "api", "worker", "web"];

    [Fact]
    public async Task Aspire_dashboard_shows_the_resources_the_trace_and_the_metrics_of_an_inference()
    {
        Browser.SkipUnlessInstalled();
        var trace = Guid.NewGuid().ToString("N");
        using var client = platform.Admin();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer");
        request.Content = Digits.Request([Digits.HeldOut[0].Pixels]);
        request.Headers.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await using var browser = await Browser.StartAsync();
        var page = await browser.NewPageAsync(platform.App.GetEndpoint("aspire-dashboard").ToString(), width: 1600, height: 1000);

        await page.GotoAsync("/");
        await ShownAsync(page, "resources", [.. s_resources.Select(name => Row(page, name).Filter(new() { HasText = "Running" }))]);

        await page.GotoAsync("/traces");
        await ShownAsync(page, "traces", Row(page, Route).Filter(new() { HasText = trace[..7] }).Filter(new() { HasText = "worker" }));

        await page.GotoAsync($"/traces/detail/{trace}");
        await ShownAsync(page, "trace", page.GetByText(Route), page.GetByText("infer digits"));

        await page.GotoAsync($"/metrics/resource/worker?meter={Meter}&instrument={Instrument}");
        await ShownAsync(page, "metrics", page.GetByText(Meter), page.GetByText("Time of one run of a batch."));
    }

    private static ILocator Row(IPage page, string text) =>
        page.GetByRole(AriaRole.Row)
            .Filter(new() { HasTextRegex = new Regex($@"(^|\W){Regex.Escape(text)}", RegexOptions.None, Wait.DefaultLimit) });

    /// <summary>The picture is for a person to look at, also where something is not there.</summary>
    private static async Task ShownAsync(IPage page, string name, params ILocator[] parts)
    {
        try
        {
            foreach (var part in parts)
            {
                var failed = page.GetByText("An unhandled error has occurred.").Filter(new() { Visible = true });
                await Assertions.Expect(part.Or(failed).First).ToBeVisibleAsync();
                if (await failed.CountAsync() > 0)
                {
                    // Of Aspire's page itself, whose table can be disposed of while it is first drawn.
                    await page.ReloadAsync();
                }

                await Assertions.Expect(part.First).ToBeVisibleAsync();
            }
        }
        finally
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(AppContext.BaseDirectory, "screenshots", $"aspire-{name}.png") });
        }
    }
}
