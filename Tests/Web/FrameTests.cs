using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>What surrounds the pages: policy, themes, widths, errors.</summary>
public class FrameTests(Dashboard dashboard)
{
    [Fact]
    public async Task Pages_obey_their_own_content_security_policy_and_report_no_error()
    {
        var page = await dashboard.OpenAsync();
        var errors = page.CollectErrors();
        dashboard.Api.Traffic = false;
        await page.SignInAsync();
        dashboard.Api.Latency = false;
        dashboard.Api.Traffic = true;
        await Expect(page.Locator("section[aria-label=Traffic] .rz-line-series path").First).ToBeAttachedAsync();
        dashboard.Api.Latency = true;
        await Expect(page.Locator("section[aria-label=Latency] .rz-line-series path").First).ToBeAttachedAsync();
        await page.Locator("section[aria-label=Traffic] svg").First.HoverAsync();
        await page.GetByRole(AriaRole.Columnheader, new() { Name = "Version" }).ClickAsync();

        Assert.Empty(errors);
    }

    [Fact]
    public async Task Answers_carry_the_security_headers()
    {
        var page = await dashboard.OpenAsync();
        var answer = await page.GotoAsync("/sign-in");

        var headers = await answer!.AllHeadersAsync();
        var policy = headers["content-security-policy"];
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-eval", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", headers["x-content-type-options"]);
        Assert.Equal("DENY", headers["x-frame-options"]);
        Assert.Equal("same-origin", headers["referrer-policy"]);
    }

    [Theory]
    [InlineData(390)]
    [InlineData(320)]
    public async Task Page_has_no_horizontal_scroll_on_a_phone(int width)
    {
        var page = await dashboard.OpenAsync(width);
        await page.GotoAsync("/");
        await AssertFitsAsync(page, width);
        dashboard.Api.Traffic = false;
        await page.SignInAsync();
        await AssertFitsAsync(page, width);
        dashboard.Api.Traffic = true;
        await Expect(page.Locator("section[aria-label=Traffic] .rz-line-series path").First).ToBeAttachedAsync();
        await AssertFitsAsync(page, width);
    }

    [Theory]
    [InlineData(ReducedMotion.NoPreference, true)]
    [InlineData(ReducedMotion.Reduce, false)]
    public async Task Nothing_moves_for_who_wants_less_motion(ReducedMotion motion, bool moves)
    {
        var page = await dashboard.OpenAsync();
        await page.EmulateMediaAsync(new() { ReducedMotion = motion });
        await page.SignInAsync();

        // What turns while the connection is lost is there all the time, and not shown.
        var moving = await page.EvaluateAsync<string[]>("""
            () => {
                document.getElementById('components-reconnect-modal').classList.add('components-reconnect-show');
                const lasts = times => times.split(',').some(time => parseFloat(time) > 0);
                const moves = style => style.animationName !== 'none' || lasts(style.transitionDuration);
                return [...document.querySelectorAll('*')]
                    .filter(element => [null, '::before', '::after'].some(part => moves(getComputedStyle(element, part))))
                    .map(element => String(element.getAttribute('class') ?? element.tagName));
            }
            """);
        Assert.Equal(moves, moving.Length > 0);
        Assert.Equal(moves, moving.Any(name => name.Contains("spinner", StringComparison.Ordinal)));
    }

    // A chart finds its size a moment after it is there.
    private static Task AssertFitsAsync(IPage page, int width) =>
        Wait.UntilAsync(async () => await page.EvaluateAsync<int>("document.documentElement.scrollWidth") == width);

    [Fact]
    public async Task Theme_follows_the_system_until_one_is_chosen_and_then_persists()
    {
        var page = await dashboard.OpenAsync(scheme: ColorScheme.Dark);
        await page.GotoAsync("/sign-in");
        Assert.True(await IsDarkAsync(page));

        await page.GetByRole(AriaRole.Button, new() { Name = "Light theme" }).ClickAsync();
        Assert.False(await IsDarkAsync(page));
        await page.ReloadAsync();
        Assert.False(await IsDarkAsync(page));
        await page.SignInAsync();
        Assert.False(await IsDarkAsync(page));
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Light theme" })).ToHaveAttributeAsync("aria-pressed", "true");

        await page.GetByRole(AriaRole.Button, new() { Name = "Theme of the system" }).ClickAsync();
        Assert.True(await IsDarkAsync(page));
    }

    private static Task<bool> IsDarkAsync(IPage page) => page.EvaluateAsync<bool>(
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).every(part => Number(part) < 100)");

    [Fact]
    public async Task Unknown_address_gives_the_not_found_page_to_a_user_and_sign_in_to_others()
    {
        var page = await dashboard.OpenAsync();
        await page.GotoAsync("/no/such/page");
        await Expect(page).ToHaveTitleAsync("Sign in · InferenceTemplate");

        await page.SubmitKeyAsync(FakeApi.Key);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Page not found" })).ToBeVisibleAsync();
        var answer = await page.GotoAsync("/no/such/page");
        Assert.Equal(404, answer!.Status);
    }

    [Fact]
    public async Task Form_without_its_antiforgery_token_is_refused()
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(dashboard.Url) };
        foreach (var (path, form) in new[] { ("/sign-in",
            new Dictionary<string, string> { ["_handler"] = "sign-in", ["ApiKey"] = FakeApi.Key }), ("/sign-out", []) })
        {
            using var content = new FormUrlEncodedContent(form);
            using var answer = await http.PostAsync(path, content, TestContext.Current.CancellationToken);

            Assert.Equal(System.Net.HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.Contains("That form was out of date", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/health")]
    [InlineData("/alive")]
    [InlineData("/favicon.svg")]
    [InlineData("/_framework/blazor.web.js")]
    [InlineData("/_content/Radzen.Blazor/Radzen.Blazor.min.js")]
    public async Task Probes_and_assets_need_no_sign_in(string path)
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var answer = await http.GetAsync(new Uri(dashboard.Url + path), TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Every_page_and_what_is_looked_for_is_a_few_keys_away_and_sections_tell_their_state()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.ColdState = "unavailable";
        await page.SignInAsync();
        var sections = page.GetByRole(AriaRole.Navigation, new() { Name = "Main" });
        await Expect(sections.GetByRole(AriaRole.Link, new() { Name = "Workers 1/1" })).ToBeVisibleAsync();
        await Expect(sections.GetByRole(AriaRole.Link, new() { Name = "Jobs 1,200", Exact = true })).ToBeVisibleAsync();
        await Expect(sections.GetByRole(AriaRole.Link, new() { Name = "Models 3" }).Locator(".alert")).ToBeVisibleAsync();

        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("work");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Workers", Level = 1 })).ToBeVisibleAsync();

        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("sent & more");
        await page.Keyboard.PressAsync("ArrowDown");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("Search")).ToHaveValueAsync("sent & more");
        await Expect(page.GetByRole(AriaRole.Dialog)).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Dashboard_can_be_used_by_keyboard_alone()
    {
        var page = await dashboard.OpenAsync();
        await page.GotoAsync("/");
        await Expect(page.GetByLabel("API key")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(FakeApi.Key);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Figure("requests")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Skip to the content" }).FocusAsync();
        foreach (var name in new[] { "InferenceTemplate", "Theme of the system", "Light theme", "Dark theme", "Sign out" })
        {
            await page.Keyboard.PressAsync("Tab");
            Assert.Equal(name, await page.EvaluateAsync<string>("document.activeElement.ariaLabel ?? document.activeElement.innerText"));
        }

        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByText("You have signed out")).ToBeVisibleAsync();
    }
}
