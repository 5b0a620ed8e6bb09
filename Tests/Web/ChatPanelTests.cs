using System.Text.Json;
using Deque.AxeCore.Playwright;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

/// <summary>The conversation of the playground, with a model whose every word the test decides.</summary>
public sealed class ChatPanelTests(Dashboard dashboard)
{
    private FakeChat Chat => dashboard.Api.Chat;

    [Fact]
    public async Task Answer_grows_while_it_comes_and_tells_its_tokens_at_the_end()
    {
        var page = await OpenAsync();
        var errors = page.CollectErrors();
        await page.GetByLabel("System prompt").FillAsync("Be brief.");
        await page.GetByLabel("Temperature").FillAsync("0.5");
        await page.GetByLabel("Max tokens").FillAsync("64");
        await SendAsync(page, "What is \"ONNX\"?");
        var answer = page.Locator(".turn-model p");
        Chat.Say("A format");
        await Expect(answer).ToHaveTextAsync("A format");
        await Expect(page.GetByText("Answering …")).ToBeVisibleAsync();
        Chat.Say(" for models.");
        await Expect(answer).ToHaveTextAsync("A format for models.");
        Chat.End(generated: 42);

        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Send" })).ToBeVisibleAsync();
        var facts = page.Locator(".turn-model .facts");
        await Expect(facts).ToContainTextAsync("Tokens in9");
        await Expect(facts).ToContainTextAsync("Tokens out42");
        await Expect(facts).ToContainTextAsync("Ended bystop");
        using var sent = JsonDocument.Parse(Assert.Single(Chat.Requests));
        var request = sent.RootElement;
        Assert.Equal(("phi:2", 64, 0.5, true), (request.GetProperty("model").GetString(), request.GetProperty("max_tokens").GetInt32(),
            request.GetProperty("temperature").GetDouble(), request.GetProperty("stream").GetBoolean()));
        Assert.True(request.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
        Assert.Equal(["system: Be brief.", "user: What is \"ONNX\"?"], Messages(request));

        // What was said so far goes with the next message.
        await SendAsync(page, "And ORT?");
        await Wait.UntilAsync(() => Chat.Requests.Count == 2);
        using var second = JsonDocument.Parse(Chat.Requests[1]);
        Assert.Equal(
            ["system: Be brief.", "user: What is \"ONNX\"?", "assistant: A format for models.", "user: And ORT?"],
            Messages(second.RootElement));
        Assert.Empty(errors);
    }

    [Fact]
    public async Task Stop_ends_the_call_and_keeps_what_came()
    {
        var page = await OpenAsync();
        await SendAsync(page, "Count to a million");
        Chat.Say("1, 2");
        await Expect(page.Locator(".turn-model p")).ToHaveTextAsync("1, 2");

        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();

        await Expect(page.GetByText("Stopped.")).ToBeVisibleAsync();
        await Expect(page.Locator(".turn-model p")).ToHaveTextAsync("1, 2");
        await Wait.UntilAsync(() => Chat.Left >= 1);
    }

    [Fact]
    public async Task Stop_before_the_first_part_gives_the_message_back()
    {
        var page = await OpenAsync();
        await SendAsync(page, "Never mind");
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();

        await Expect(page.GetByLabel("Message", new() { Exact = false }).Last).ToHaveValueAsync("Never mind");
        await Expect(page.Locator(".turn")).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData(400, "messages: 40 tokens are more than the context of the model, 32", "context_length_exceeded",
        "The conversation is too long for the model. 400: messages: 40 tokens are more than the context of the model, 32. Begin a new one.")]
    [InlineData(503, "no worker can load phi/2 now", null,
        "Nobody could answer. 503: no worker can load phi/2 now. See the overview for what is wrong with the model or its workers, then send again.")]
    [InlineData(504, "the call's deadline passed", null, "The model did not answer in time. 504: the call's deadline passed.")]
    [InlineData(429, "too many", "rate_limit_exceeded", "The limit of your tenant is reached. Too many calls; wait a moment.")]
    [InlineData(400, "max_tokens: up to 4096", null, "The answer failed. 400: max_tokens: up to 4096.")]
    public async Task Refusal_says_what_to_do_and_gives_the_message_back(int status, string message, string? code, string told)
    {
        var page = await OpenAsync();
        Chat.Refusal = (status, JsonSerializer.Serialize(new { error = new { message, code } }));
        await SendAsync(page, "Hello");

        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync(told);
        await Expect(page.Locator("#chat-message")).ToHaveValueAsync("Hello");
        await Expect(page.Locator(".turn")).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("""{"error":{"message":"the worker ended","type":"server_error"}}""", "The answer failed. the worker ended.")]
    [InlineData(null, "The answer failed. The connection to the API ended before the answer did.")]
    public async Task Answer_that_breaks_off_stays_and_is_not_taken_for_whole(string? data, string told)
    {
        var page = await OpenAsync();
        await SendAsync(page, "Hello");
        Chat.Say("Good mor");
        if (data is not null)
        {
            Chat.Send(data);
        }

        Chat.Close();

        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync(told);
        await Expect(page.Locator(".turn-model p")).ToHaveTextAsync("Good mor");
        await Expect(page.GetByText("The answer is not whole.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task What_can_not_be_sent_is_said_before_it_is()
    {
        var page = await OpenAsync();
        var alert = page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert);
        await page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await Expect(alert).ToContainTextAsync("Write a message first.");

        await SendAsync(page, new string('a', 20_000));
        await Expect(alert).ToContainTextAsync("The message is longer than the 8,000 characters that are sent from here: shorten it.");
        await page.GetByLabel("System prompt").FillAsync(new string('b', 20_000));
        await SendAsync(page, "Hello");
        await Expect(alert).ToContainTextAsync("The system prompt is longer than the 8,000 characters that are sent from here: shorten it.");
        Assert.Empty(Chat.Requests);
    }

    [Fact]
    public async Task Last_request_is_shown_as_programs_and_a_new_conversation_forgets_it()
    {
        var page = await OpenAsync();
        Chat.Say("Hi.");
        Chat.End();
        await SendAsync(page, "it's me");
        await page.GetByText("The same request with curl").ClickAsync();

        var command = await page.Locator("#request-curl").InnerTextAsync();
        Assert.StartsWith($"curl {dashboard.Api.Url}/v1/chat/completions", command, StringComparison.Ordinal);
        Assert.Contains("\"max_tokens\":512", command, StringComparison.Ordinal);
        await page.GetByText("The same request with C#").ClickAsync();
        await Expect(page.Locator("#request-csharp")).ToContainTextAsync("/v1/chat/completions\", content);");
        await page.GetByText("The same request with Python").ClickAsync();
        await Expect(page.Locator("#request-python")).ToContainTextAsync("/v1/chat/completions\",");

        await page.GetByRole(AriaRole.Button, new() { Name = "New conversation" }).ClickAsync();
        await Expect(page.Locator(".turn")).ToHaveCountAsync(0);
        await Expect(page.GetByText("The same request with curl")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Session_that_ended_leads_to_the_sign_in()
    {
        var page = await OpenAsync();
        dashboard.Api.RevokeTokens();
        await SendAsync(page, "Hello");

        await Expect(page.GetByText("Your session has expired")).ToBeVisibleAsync();
    }

    [Theory, Trait("Tier", "Nightly")]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    public async Task Conversation_fits_its_window_and_has_no_violation(int width, ColorScheme scheme)
    {
        var page = await OpenAsync(width, scheme);
        for (var i = 0; i < 3; i++)
        {
            Chat.Say(string.Join(' ', Enumerable.Repeat("A long answer with a verylongwordthatbreaks.", 30)));
            Chat.End("length");
            await SendAsync(page, "Tell me more");
            await Expect(page.Locator(".turn-model .facts")).ToHaveCountAsync(i + 1);
        }

        await Expect(page.Locator(".turn-model .facts").Last).ToBeInViewportAsync();
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        var found = await page.RunAxe();
        Assert.True(found.Violations.Length == 0, string.Join("; ", found.Violations.Select(v => $"{v.Id}: {v.Nodes[0].Html}")));
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { } folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"chat-{width}-{scheme}.png"), FullPage = true });
        }
    }

    private static IEnumerable<string> Messages(JsonElement request) => request.GetProperty("messages").EnumerateArray()
        .Select(message => $"{message.GetProperty("role").GetString()}: {message.GetProperty("content").GetString()}");

    private static async Task SendAsync(IPage page, string message)
    {
        var field = page.Locator("#chat-message");
        await field.FillAsync(message);
        await field.PressAsync("Enter");
    }

    private async Task<IPage> OpenAsync(int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        var page = await dashboard.OpenAsync(width, scheme: scheme);
        Chat.Registered = true;
        await page.SignInAsync();
        await page.GotoAsync("/playground?model=phi%2F2");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Conversation" })).ToBeVisibleAsync();
        return page;
    }
}
