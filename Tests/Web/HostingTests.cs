using System.Net;
using InferenceTemplate.Tests.Shared;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>The ways in which the dashboard is started.</summary>
public class HostingTests(Dashboard dashboard)
{
    [Theory]
    [InlineData("Development")]
    [InlineData("Staging")]
    public async Task Dashboard_works_from_build_output_in_every_environment_and_from_any_folder(string environment)
    {
        await using var web = await WebProcess.StartAsync(dashboard.Api.Url, environment, Path.GetTempPath());
        var page = await dashboard.OpenAsync(url: web.Url);
        var errors = page.CollectErrors();
        await page.SignInAsync();

        await Expect(page.Locator("section[aria-label=Traffic] .rz-line-series path").First).ToBeAttachedAsync();
        Assert.Empty(errors);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", false)]
    [InlineData(null, false)]
    public async Task Strict_transport_security_is_told_over_https_in_production_by_the_word_of_a_known_proxy_only(string? known, bool told)
    {
        await using var web = await WebProcess.StartAsync(dashboard.Api.Url, "Production", knownProxy: known);
        using var client = new HttpClient { BaseAddress = new Uri(web.Url) };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/sign-in");
        request.Headers.Host = "dashboard.contoso.com";
        request.Headers.Add("X-Forwarded-Proto", "https");

        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(told, response.Headers.TryGetValues("Strict-Transport-Security", out var values));
        Assert.All(values ?? [], value => Assert.Matches("^max-age=[1-9]", value));
    }

    [Fact]
    public async Task Metrics_are_for_who_asks_the_dashboard_itself_and_not_through_a_proxy()
    {
        using var client = new HttpClient { BaseAddress = new Uri(dashboard.Url) };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Add("X-Forwarded-For", "192.0.2.7");

        using var outside = await client.SendAsync(request, TestContext.Current.CancellationToken);
        using var inside = await client.GetAsync("/metrics", TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.OK), (outside.StatusCode, inside.StatusCode));
    }

    [Fact]
    public async Task Certificate_of_the_dashboard_that_is_replaced_while_it_runs_is_shown_to_the_next_connection()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var certificate = new MountedCertificate();
        await certificate.ReplaceAsync();
        await using var web = await WebProcess.StartAsync(dashboard.Api.Url, "Production", settings: certificate.Settings);
        Assert.Equal(certificate.Url, web.Url);
        string? first = null;
        await Wait.UntilAsync(async () => (first = await certificate.ShownAsync(cancellation)) is not null);

        await certificate.ReplaceAsync();

        await Wait.UntilAsync(async () => await certificate.ShownAsync(cancellation) is { } second && second != first);
    }

    [Fact]
    public async Task Session_outlives_a_restart_when_the_keys_have_a_folder()
    {
        var keys = Directory.CreateTempSubdirectory("web-keys-");
        try
        {
            Microsoft.Playwright.IPage page;
            IReadOnlyList<Microsoft.Playwright.BrowserContextCookiesResult> cookies;
            await using (var first = await WebProcess.StartAsync(dashboard.Api.Url, "Production", dataProtectionKeys: keys.FullName))
            {
                page = await dashboard.OpenAsync(url: first.Url);
                await page.SignInAsync();
                cookies = await page.Context.CookiesAsync();
                Assert.NotEmpty(keys.GetFiles("key-*.xml"));
            }

            await using var second = await WebProcess.StartAsync(dashboard.Api.Url, "Production", dataProtectionKeys: keys.FullName);
            page = await dashboard.OpenAsync(url: second.Url);
            await page.Context.AddCookiesAsync(
                cookies.Select(cookie => new Microsoft.Playwright.Cookie { Name = cookie.Name, Value = cookie.Value, Url = second.Url }));
            await page.GotoAsync("/");
            await Expect(page.Figure("requests")).ToBeVisibleAsync();
        }
        finally
        {
            keys.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Session_is_known_to_every_replica_that_has_the_secret_and_to_those_whose_secret_was_changed()
    {
        const string Old = "four-lazy-otters-drift-down-a-brown-river";
        const string New = "two-loud-geese-march-over-the-wet-bridge";
        await using var first = await WebProcess.StartAsync(dashboard.Api.Url, "Production", dataProtectionSecret: Old);
        await using var second = await WebProcess.StartAsync(dashboard.Api.Url, "Production", dataProtectionSecret: Old);
        await using var changed = await WebProcess.StartAsync(dashboard.Api.Url, "Production", dataProtectionSecret: $"{New},{Old}");
        await using var stranger = await WebProcess.StartAsync(dashboard.Api.Url, "Production", dataProtectionSecret: New);
        var page = await dashboard.OpenAsync(url: first.Url);
        await page.SignInAsync();
        var cookies = string.Join("; ", (await page.Context.CookiesAsync()).Select(cookie => $"{cookie.Name}={cookie.Value}"));

        Assert.Equal(
            [HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Redirect],
            [await AskAsync(second.Url, cookies), await AskAsync(changed.Url, cookies), await AskAsync(stranger.Url, cookies)]);
    }

    private static async Task<HttpStatusCode> AskAsync(string url, string cookies)
    {
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false });
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { { "Cookie", cookies }, { "Accept", "text/html" } } };
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    [Fact]
    public async Task Visitor_gets_a_page_with_the_trace_id_and_no_detail_when_the_dashboard_fails()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a folder in which nobody, not even root, can write: Linux's /proc.");
        await using var web = await WebProcess.StartAsync(dashboard.Api.Url, "Production", dataProtectionKeys: "/proc");
        var page = await dashboard.OpenAsync(url: web.Url);
        var answer = await page.GotoAsync("/sign-in");

        Assert.Equal(500, answer!.Status);
        await Expect(page.GetByRole(Microsoft.Playwright.AriaRole.Heading, new() { Name = "Something went wrong" })).ToBeVisibleAsync();
        var trace = await page.Locator("main code").InnerTextAsync();
        Assert.Matches("^[0-9a-f]{32}$", trace);
        Assert.DoesNotContain("Exception", await page.ContentAsync(), StringComparison.Ordinal);

        // What it says comes by a pipe.
        await Wait.UntilAsync(() => web.Output.Contains(trace, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Open_page_says_that_the_connection_is_lost_when_the_dashboard_goes_away()
    {
        var page = await dashboard.OpenAsync();
        await using (var web = await WebProcess.StartAsync(dashboard.Api.Url, "Production"))
        {
            page = await dashboard.OpenAsync(url: web.Url);
            await page.SignInAsync();
            await Expect(page.GetByText("Connection lost")).ToBeHiddenAsync();
        }

        await Expect(page.GetByText("Connection lost, reconnecting")).ToBeVisibleAsync();
    }
}
