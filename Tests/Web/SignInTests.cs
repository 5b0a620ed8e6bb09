using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

public class SignInTests(Dashboard dashboard)
{
    [Fact]
    public async Task Dashboard_asks_for_a_key_and_comes_back_when_nobody_is_signed_in()
    {
        var page = await dashboard.OpenAsync();
        await page.GotoAsync("/?from=bookmark");

        await Expect(page).ToHaveTitleAsync("Sign in · InferenceTemplate");
        await Expect(page).ToHaveURLAsync(dashboard.Url + "/sign-in?returnUrl=%2F%3Ffrom%3Dbookmark");
        await page.SubmitKeyAsync(FakeApi.Key);
        await Expect(page).ToHaveURLAsync(dashboard.Url + "/?from=bookmark");
    }

    [Theory]
    [InlineData("inf_a-wrong-key", "This API key is not valid")]
    [InlineData("schlüssel", "That is not an API key")]
    public async Task Sign_in_says_what_is_wrong_and_stays_when_the_key_is_bad(string key, string error)
    {
        var page = await dashboard.OpenAsync();
        await page.GotoAsync("/");
        await page.SubmitKeyAsync(key);

        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync(error);
        await Expect(page.GetByLabel("API key")).ToHaveValueAsync("");
        await page.GotoAsync("/");
        await Expect(page).ToHaveTitleAsync("Sign in · InferenceTemplate");
    }

    [Fact]
    public async Task Sign_in_says_that_the_api_is_away_when_it_is()
    {
        var page = await dashboard.OpenAsync();
        await page.GotoAsync("/sign-in");
        dashboard.Api.Down = true;
        await page.SubmitKeyAsync(FakeApi.Key);

        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("The API cannot be reached");
    }

    [Fact]
    public async Task Sign_in_works_without_javascript()
    {
        var page = await dashboard.OpenAsync(javaScript: false);
        await page.GotoAsync("/");
        await page.SubmitKeyAsync(FakeApi.Key);

        await Expect(page).ToHaveTitleAsync("Overview · InferenceTemplate");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Status)).ToContainTextAsync("You have signed out");
    }

    [Fact]
    public async Task Sign_out_ends_the_session()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();

        await Expect(page.GetByText("You have signed out")).ToBeVisibleAsync();
        Assert.DoesNotContain(await page.Context.CookiesAsync(), cookie => cookie.Name == "session");
        await page.GotoAsync("/");
        await Expect(page).ToHaveTitleAsync("Sign in · InferenceTemplate");
    }

    [Theory]
    [InlineData("https://example.org/")]
    [InlineData("//example.org/")]
    [InlineData("/\\example.org/")]
    [InlineData("/\t/example.org/")]
    [InlineData("javascript:alert(1)")]
    public async Task Sign_in_leads_home_when_the_return_address_is_another_site(string returnUrl)
    {
        var page = await dashboard.OpenAsync();
        await page.GotoAsync("/sign-in?returnUrl=" + Uri.EscapeDataString(returnUrl));
        await page.SubmitKeyAsync(FakeApi.Key);

        await Expect(page).ToHaveURLAsync(dashboard.Url + "/");
        await Expect(page).ToHaveTitleAsync("Overview · InferenceTemplate");
    }

    [Fact]
    public async Task Open_dashboard_returns_to_sign_in_when_its_token_expires()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.TokenLife = TimeSpan.FromSeconds(5);
        await page.GotoAsync("/");
        await page.SubmitKeyAsync(FakeApi.Key);

        await Expect(page.GetByText("Your session has expired")).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync(dashboard.Url + "/sign-in?returnUrl=%2F&expired=true");

        dashboard.Api.TokenLife = TimeSpan.FromMinutes(15);
        await page.SubmitKeyAsync(FakeApi.Key);
        await Expect(page.Figure("requests")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Page_load_returns_to_sign_in_with_a_message_when_the_cookie_has_expired()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.TokenLife = TimeSpan.FromSeconds(2);
        await page.GotoAsync("/sign-in?returnUrl=/status/403");
        await page.SubmitKeyAsync(FakeApi.Key);
        await Expect(page).ToHaveTitleAsync("Not allowed · InferenceTemplate");
        await Task.Delay(TimeSpan.FromSeconds(2.5), TestContext.Current.CancellationToken);
        await page.GotoAsync("/");

        await Expect(page.GetByText("Your session has expired")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Open_dashboard_returns_to_sign_in_when_the_api_no_longer_takes_the_token()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();
        dashboard.Api.RevokeTokens();

        await Expect(page.GetByText("Your session has expired")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Session_cookie_is_out_of_reach_of_scripts_and_of_other_sites()
    {
        var page = await dashboard.OpenAsync();
        await page.SignInAsync();

        var cookie = Assert.Single(await page.Context.CookiesAsync(), cookie => cookie.Name == "session");
        Assert.True(cookie.HttpOnly);
        Assert.Equal(SameSiteAttribute.Lax, cookie.SameSite);
    }
}
