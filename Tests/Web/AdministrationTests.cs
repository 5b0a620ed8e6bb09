using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>The pages of those who run the platform for others: keys, tenants, usage, audit.</summary>
public class AdministrationTests(Dashboard dashboard)
{
    private FakeConsole Console => dashboard.Api.Console;

    [Fact]
    public async Task Key_is_shown_once_and_can_be_copied()
    {
        var page = await OpenAsync("/keys");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("ada");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create key" }).ClickAsync();
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();

        await page.CopiedAsync("inf_shown-this-once");
        Assert.StartsWith("""POST /v1/keys {"name":"ada","role":"user","tenant":"default","expires_at":"20""", Assert.Single(Console.Calls),
            StringComparison.Ordinal);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Keys" })).ToBeVisibleAsync();
        await Expect(page.GetByText("inf_shown-this-once")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Secret_of_a_new_key_stays_where_the_next_one_is_refused()
    {
        var page = await OpenAsync("/keys");
        var create = page.GetByRole(AriaRole.Button, new() { Name = "Create key" });
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("ada");
        await create.ClickAsync();
        await Expect(page.GetByText("inf_shown-this-once")).ToBeVisibleAsync();

        Console.Refused = ("/v1/keys", 409);
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("grace");
        await create.ClickAsync();

        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Expect(page.GetByText("inf_shown-this-once")).ToBeVisibleAsync();
    }

    [Theory]
    [InlineData(403, 0)]
    [InlineData(409, 1)]
    public async Task Usage_stands_without_a_part_that_is_refused_and_says_what_failed(int status, int alerts)
    {
        var page = await OpenAsync("/usage", () => Console.Refused = ("/v1/usage", status));
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToHaveCountAsync(1);
        Console.Refused = ("/v1/tenants/me", status);
        await page.ReloadAsync();

        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "By model" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToHaveCountAsync(alerts);
    }

    [Fact]
    public async Task Key_is_made_for_some_models_only()
    {
        var page = await OpenAsync("/keys");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("night batch");
        await page.GetByLabel("Role").SelectOptionAsync("service");
        await page.GetByLabel("Models").FillAsync("digits, sentiment ,");
        await page.GetByLabel("Ends after").SelectOptionAsync("0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create key" }).ClickAsync();

        await Expect(page.GetByText("inf_shown-this-once")).ToBeVisibleAsync();
        Assert.Equal(
            """POST /v1/keys {"name":"night batch","role":"service","tenant":"default","expires_at":null,"models":["digits","sentiment"]}""",
            Assert.Single(Console.Calls));
    }

    [Theory]
    [InlineData("24", "The present one goes on for a day; whoever uses it then is refused.", "1.00:00:00")]
    [InlineData("0", "The present one ends at once: whoever uses it is refused.", "00:00:00")]
    public async Task Key_is_rotated_after_it_was_said_what_becomes_of_the_old_one(string hours, string said, string overlap)
    {
        var page = await OpenAsync("/keys");
        await page.GetByLabel("A key that is rotated goes on for").SelectOptionAsync(hours);
        await page.GetByRole(AriaRole.Button, new() { Name = "Rotate first-admin" }).ClickAsync();
        var question = page.GetByRole(AriaRole.Group, new() { Name = $"Rotate first-admin? A new key is made, like it and shown once. {said}" });
        await Expect(question.GetByText(said)).ToBeVisibleAsync();
        Assert.Empty(Console.Calls);
        await question.GetByRole(AriaRole.Button, new() { Name = "Rotate", Exact = true }).ClickAsync();

        await Expect(page.GetByText("inf_in-its-place")).ToBeVisibleAsync();
        await Expect(page.GetByText("first-admin has a new key, which is shown below.")).ToBeVisibleAsync();
        Assert.Equal($$"""POST /v1/keys/0198f0b4-0000-7000-8000-0000000000aa/rotate {"overlap":"{{overlap}}"}""", Assert.Single(Console.Calls));
    }

    [Fact]
    public async Task Key_is_revoked_after_it_was_said_who_is_refused_then()
    {
        var page = await OpenAsync("/keys");
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke first-admin" }).ClickAsync();
        await Expect(page.GetByText("Whoever uses it, or a token made with it, is refused within a second. It can't be taken back.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }).ClickAsync();

        await Expect(page.GetByText("The key first-admin is revoked.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Key_and_audit_entry_have_pages_of_their_own()
    {
        var page = await OpenAsync("/keys");
        await page.GetByRole(AriaRole.Link, new() { Name = "first-admin" }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/keys/0198f0b4-0000-7000-8000-0000000000aa");
        await page.GetByRole(AriaRole.Link, new() { Name = "What was done to it" }).ClickAsync();
        await Expect(page.GetByLabel("Subject")).ToHaveValueAsync("inf_ab12");

        await page.GetByLabel("Time").SelectOptionAsync("7d");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/audit?subject=inf_ab12&range=7d");
        await Wait.UntilAsync(() => Console.AuditAsked?.Contains("&From=20", StringComparison.Ordinal) == true);
        await page.GetByRole(AriaRole.Link, new() { Name = "17", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "key.created" })).ToBeVisibleAsync();
        Assert.Equal("?Cursor=18&Limit=1", Console.AuditAsked);
        await page.GotoAsync("/audit/99");
        await Expect(page.GetByText("There is no entry of this number")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Usage_shows_the_cost_of_each_tenant_to_the_smallest_part_and_gives_the_statement()
    {
        var page = await OpenAsync("/usage");
        var tenants = page.GetByRole(AriaRole.Region, new() { Name = "By tenant" });
        await Expect(tenants.GetByText("0.0000125 EUR")).ToBeVisibleAsync();
        await Expect(tenants.GetByText("1.25 EUR")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Jan 2" })).ToContainTextAsync("0.0500125 EUR");

        // A day and three hours of 31 days are gone.
        await Expect(page.Figure("forecast")).ToHaveTextAsync("34.36 EUR");

        var download = await page.RunAndWaitForDownloadAsync(
            () => page.GetByRole(AriaRole.Link, new() { Name = "This month as CSV" }).ClickAsync());
        Assert.Equal("tenant,cost\nacme,0.0000125\n",
            await File.ReadAllTextAsync(await download.PathAsync(), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Tenant_has_a_page_of_its_use_its_budget_and_its_limits()
    {
        var page = await OpenAsync("/usage");
        await page.GetByRole(AriaRole.Region, new() { Name = "By tenant" }).GetByRole(AriaRole.Link, new() { Name = "acme" }).ClickAsync();

        await Expect(page).ToHaveURLAsync(dashboard.Url + "/tenants/acme");
        await Expect(page.Figure("cost")).ToHaveTextAsync("1.25 EUR");
        await Expect(page.Figure("budget")).ToHaveTextAsync("20.00 EUR");
        await Expect(page.Locator("[data-figure=budget]")).ToContainTextAsync("6.25 % of it is used");

        // A day and three hours of 31 days are gone: more than the budget by the end.
        await Expect(page.Figure("forecast")).ToHaveTextAsync("34.36 EUR");
        await Expect(page.Locator("[data-figure=forecast] .alert")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "By model" }).GetByRole(AriaRole.Link, new() { Name = "digits" }))
            .ToHaveAttributeAsync("href", "/models/digits");

        await page.GetByLabel("Budget a month").FillAsync("50");
        await page.GetByRole(AriaRole.Button, new() { Name = "Set the limits" }).ClickAsync();
        await Expect(page.GetByText("The limits of acme are set.")).ToBeVisibleAsync();
        Assert.Contains("\"monthly_budget\":50", Assert.Single(Console.Calls), StringComparison.Ordinal);
        await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "This month as CSV" }).ClickAsync());
        Assert.Equal("?tenant=acme", Console.StatementAsked);
    }

    [Fact]
    public async Task Tenant_is_made_limited_by_a_form_and_suspended_after_a_confirmation()
    {
        var page = await OpenAsync("/tenants");
        await page.GetByLabel("Id", new() { Exact = true }).FillAsync("globex");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create tenant" }).ClickAsync();
        await Expect(page.GetByText("globex is a tenant now.")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Limits of acme" }).ClickAsync();
        await Expect(page.GetByLabel("Requests a minute")).ToHaveValueAsync("600");
        await page.GetByLabel("Requests a minute").FillAsync("30");
        await page.GetByLabel("Budget a month").FillAsync("12.5");
        await page.GetByRole(AriaRole.Button, new() { Name = "Set the limits" }).ClickAsync();
        await Expect(page.GetByText("The limits of acme are set.")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Suspend acme" }).ClickAsync();
        await page.GetByRole(AriaRole.Group, new() { Name = "All of its keys and tokens are refused within a second" })
            .GetByRole(AriaRole.Button, new() { Name = "Suspend", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Resume acme" }).ClickAsync();
        await Expect(page.GetByText("acme is accepted again.")).ToBeVisibleAsync();
        Assert.Equal(
            [
                """POST /v1/tenants {"id":"globex","name":"globex"}""",
                """PATCH /v1/tenants/acme {"requests_per_minute":30,"burst":null,"max_concurrency":null,"monthly_inferences":null,"monthly_budget":12.5,"monthly_tokens":null}""",
                "POST /v1/tenants/acme/suspend ", "POST /v1/tenants/acme/resume ",
            ],
            Console.Calls);

        // Nobody locks the own tenant out.
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Suspend default" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Audit_is_searched_and_its_chain_verified()
    {
        var page = await OpenAsync("/audit");
        await Expect(page.GetByText("key.created")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Verify the chain" }).ClickAsync();
        await Expect(page.GetByText("The chain is whole: 17 entries.")).ToBeVisibleAsync();

        await page.GetByLabel("Action begins with").FillAsync("nothing.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Search" }).ClickAsync();
        await Expect(page.GetByText("No entry is like that.")).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/audit?action=nothing.");
    }

    private Task<IPage> OpenAsync(string path, Action? arrange = null, string role = "admin", int width = 1280,
        ColorScheme scheme = ColorScheme.Light) => dashboard.OpenConsoleAsync(path, arrange, role, width, scheme);
}
