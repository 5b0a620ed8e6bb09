using System.Runtime.CompilerServices;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

internal static class PageExtensions
{
    /// <summary>Fills in the form on the sign-in page that <paramref name="page"/> shows.</summary>
    public static async Task SubmitKeyAsync(this IPage page, string key)
    {
        await page.GetByLabel("API key").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    /// <summary>Signs in and waits for the overview's first numbers.</summary>
    public static async Task SignInAsync(this IPage page, string path = "/")
    {
        await page.GotoAsync(path);
        await page.SubmitKeyAsync(FakeApi.Key);
        await Expect(page.Figure("requests")).ToBeVisibleAsync();
    }

    /// <summary>Signs in to a page of the console, and waits until it has read what it shows.</summary>
    /// <param name="arrange">What the API is to be like, before the page opens.</param>
    public static async Task<IPage> OpenConsoleAsync(
        this Dashboard dashboard, string path, Action? arrange = null, string role = "admin", int width = 1280,
        ColorScheme scheme = ColorScheme.Light)
    {
        var page = await dashboard.OpenAsync(width, scheme: scheme);
        dashboard.Api.Role = role;
        arrange?.Invoke();
        await page.GotoAsync(path);
        await page.SubmitKeyAsync(FakeApi.Key);
        await Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Main" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Status, new() { Name = "Loading" })).ToBeHiddenAsync();
        return page;
    }

    /// <summary>Waits until the clipboard holds <paramref name="expected"/>: it is written after the click that copies.</summary>
    public static Task CopiedAsync(this IPage page, string expected) => page.CopiedAsync(text => text == expected, expected);

    public static Task CopiedAsync(
        this IPage page, Func<string, bool> isExpected, [CallerArgumentExpression(nameof(isExpected))] string expected = "") =>
        Wait.UntilAsync(
            async () => isExpected(await page.EvaluateAsync<string>("navigator.clipboard.readText()")), awaited: $"a copy: {expected}");

    /// <summary>Chooses files once the page listens for them: what is chosen before is lost.</summary>
    public static async Task ChooseAsync(this ILocator input, FilePayload file)
    {
        await Wait.UntilAsync(() => input.EvaluateAsync<bool>("input => input._blazorInputFileNextFileId !== undefined"));
        await input.SetInputFilesAsync(file);
    }

    public static ILocator Figure(this IPage page, string id) => page.Locator($"[data-figure={id}] .figure-value");

    /// <summary>Collects what the page reports as errors from now on, refused content included.</summary>
    public static List<string> CollectErrors(this IPage page)
    {
        var errors = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                errors.Add(message.Text);
            }
        };
        page.PageError += (_, error) => errors.Add(error);
        return errors;
    }
}
