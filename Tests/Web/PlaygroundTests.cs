using System.Text.Json;
using InferenceTemplate.Tests.Shared;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.Web;

public sealed class PlaygroundTests(Dashboard dashboard)
{
    [Fact]
    public async Task Drawing_is_sent_as_the_picture_of_the_model_and_answered_at_once()
    {
        var page = await OpenAsync();
        var errors = page.CollectErrors();

        await DrawLineAsync(page, 0.3f);
        await Expect(page.Locator("[data-answer]")).ToHaveTextAsync("7");
        await Expect(page.GetByRole(AriaRole.Group, new() { Name = "Probabilities" }).Locator("meter")).ToHaveCountAsync(10);
        await Expect(page.GetByLabel("7: 98 %")).ToBeVisibleAsync();
        foreach (var fact in new[] { "digits/1", "0.4 ms", "1.1 ms", "0.00000042 EUR" })
        {
            await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Answer" }).GetByText(fact, new() { Exact = true }).First)
                .ToBeVisibleAsync();
        }

        // An upright line, wherever it was drawn, is as high as the picture and in its middle. It is sent while it is drawn, too: what is
        // sent last has no more to add to it.
        await Wait.UntilAsync(() => LastPicture().Pixels is { Length: 64 } drawn && drawn[3] > 4 && drawn[^5] > 4);
        var (model, pixels) = LastPicture();
        Assert.Equal("digits/1", model);
        Assert.Equal(64, pixels.Length);
        Assert.All(pixels, value => Assert.InRange(value, 0, 16));
        Assert.All(Enumerable.Range(0, 8), row => Assert.True(pixels[(row * 8) + 3] > 4 && pixels[(row * 8) + 4] > 4, $"row {row}"));
        Assert.All(Enumerable.Range(0, 64).Where(i => i % 8 is < 2 or > 5), i => Assert.Equal(0, pixels[i]));

        await page.GetByRole(AriaRole.Button, new() { Name = "Clear" }).ClickAsync();
        await Expect(page.GetByText("Draw something.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Draw an example" }).ClickAsync();
        await Expect(page.Locator("[data-answer]")).ToHaveTextAsync("7");
        Assert.Empty(errors);
    }

    [Fact]
    public async Task Form_of_another_model_is_made_from_its_signature()
    {
        var page = await OpenAsync();
        await page.GetByLabel("Model").SelectOptionAsync("sentiment/3");
        await page.GetByLabel("Several rows, as JSON").CheckAsync();

        await Expect(page.GetByRole(AriaRole.Group, new() { Name = "text" })).ToContainTextAsync("text: BYTES [N × 1]");
        await Expect(page.GetByLabel("Shape")).ToHaveValueAsync("1, 1");
        await page.GetByLabel("Data", new() { Exact = false }).First.FillAsync("""["it's good"]""");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();

        await Expect(page.GetByLabel("Data of score")).ToHaveTextAsync("[0.25,0.75]");
        using var sent = JsonDocument.Parse(dashboard.Api.LastInfer!.Value.Body);
        var input = sent.RootElement.GetProperty("inputs")[0];
        Assert.Equal(("text", "BYTES", "it's good"),
            (input.GetProperty("name").GetString(), input.GetProperty("datatype").GetString(), input.GetProperty("data")[0].GetString()));

        await page.GetByText("The same request with curl").ClickAsync();
        var command = await page.Locator("#request-curl").InnerTextAsync();
        Assert.StartsWith($"curl {dashboard.Api.Url}/v2/models/sentiment/versions/3/infer", command, StringComparison.Ordinal);
        Assert.Contains("Bearer <your API key>", command, StringComparison.Ordinal);
        Assert.DoesNotContain("it's", command, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inputs_of_one_value_a_row_are_fields_and_the_model_is_in_the_address()
    {
        var page = await OpenAsync();
        await page.GetByLabel("Model").SelectOptionAsync("delivery/2");
        await Expect(page).ToHaveURLAsync($"{dashboard.Url}/playground?model=delivery%2F2");
        await page.ReloadAsync();
        await page.GetByLabel("distance").FillAsync("2.5");
        await page.GetByLabel("stops").FillAsync("-3");
        await page.GetByLabel("express").CheckAsync();
        await page.GetByLabel("note").FillAsync("it's \"fragile\"");
        var run = page.GetByRole(AriaRole.Button, new() { Name = "Run" });
        await Expect(run).ToBeInViewportAsync();
        await run.ClickAsync();

        await Expect(page.GetByLabel("Data of score")).ToBeInViewportAsync();
        using var sent = JsonDocument.Parse(dashboard.Api.LastInfer!.Value.Body);
        Assert.Equal(
            ["[1]:[2.5]", "[1,1]:[-3]", "[1]:[true]", "[1]:[\"it\\u0027s \\u0022fragile\\u0022\"]"],
            sent.RootElement.GetProperty("inputs")
                .EnumerateArray().Select(i => $"{i.GetProperty("shape").GetRawText()}:{i.GetProperty("data").GetRawText()}"));

        await page.GetByLabel("distance").FillAsync("");
        await run.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("distance: '' is not a number.");
    }

    [Fact]
    public async Task Rows_of_a_file_are_sent_at_once_and_answered_by_two_versions_side_by_side()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.OlderVersions = true;
        await page.GotoAsync("/playground?model=delivery%2F2");
        await page.SubmitKeyAsync(FakeApi.Key);
        var file = page.GetByLabel("Rows from a CSV file");
        await file.ChooseAsync(Csv("distance,stops,express,note\n1.5,2,yes,a\n"));
        await Expect(page.GetByText("Line 2: 'yes' is no BOOL for express.")).ToBeVisibleAsync();
        await file.ChooseAsync(Csv("distance,stops,express,note\n1,5,2,true,a\n"));
        await Expect(page.GetByText("Line 2: 5 values given, 4 expected.")).ToBeVisibleAsync();
        await file.ChooseAsync(Csv("note,distance,stops,express\r\n\"glass, \"\"thin\"\"\",1.5,2,true\r\n,3,-4,0\r\n"));
        await Expect(page.GetByText("2 rows of rows.csv are sent.")).ToBeVisibleAsync();
        await page.GetByLabel("Beside it").SelectOptionAsync("delivery/1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();

        await Expect(page.GetByLabel("Data of score")).ToHaveTextAsync(["[0.25,0.75]", "[0.5,0.5]"]);
        await Expect(page.GetByText("answers otherwise: score")).ToBeVisibleAsync();
        using var sent = JsonDocument.Parse(dashboard.Api.LastInfer!.Value.Body);
        Assert.Equal(
            ["[2]:[1.5,3]", "[2,1]:[2,-4]", "[2]:[true,false]", "[2]:[\"glass, \\u0022thin\\u0022\",\"\"]"],
            sent.RootElement.GetProperty("inputs")
                .EnumerateArray().Select(i => $"{i.GetProperty("shape").GetRawText()}:{i.GetProperty("data").GetRawText()}"));
    }

    [Fact]
    public async Task File_chosen_last_is_waited_for_and_what_was_typed_before_it_comes_back()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.OlderVersions = true;
        await page.GotoAsync("/playground?model=delivery%2F2");
        await page.SubmitKeyAsync(FakeApi.Key);
        await page.GetByLabel("Several rows, as JSON").CheckAsync();
        var shape = page.GetByLabel("Shape").First;
        var data = page.GetByLabel("Data", new() { Exact = false }).First;
        await shape.FillAsync("2");
        await data.FillAsync("[7, 8]");
        var file = page.GetByLabel("Rows from a CSV file");
        var big = "distance,stops,express,note\n" + string.Concat(Enumerable.Repeat($"1,2,true,{new string('a', 350)}\n", 10_000));
        await file.ChooseAsync(Csv(big, "big.csv"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();
        await Expect(page.GetByLabel("Data of score")).ToBeVisibleAsync();
        Assert.Contains("\"shape\":[10000]", dashboard.Api.LastInfer!.Value.Body, StringComparison.Ordinal);

        await file.ChooseAsync(Csv(big, "big.csv"));
        await file.ChooseAsync(Csv("distance,stops,express,note\n1,2,true,a\n", "small.csv"));
        await Expect(page.GetByText("1 row of small.csv")).ToBeVisibleAsync();
        await page.WaitForTimeoutAsync(2000);
        await Expect(page.GetByText("1 row of small.csv")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Type them instead" }).ClickAsync();
        await Expect(shape).ToHaveValueAsync("2");
        await Expect(data).ToHaveValueAsync("[7, 8]");
    }

    [Fact]
    public async Task Text_that_is_longer_than_a_form_takes_is_refused_and_not_sent_as_it_was_before()
    {
        var page = await dashboard.OpenAsync();
        await page.GotoAsync("/playground?model=delivery%2F2");
        await page.SubmitKeyAsync(FakeApi.Key);
        await page.GetByLabel("Several rows, as JSON").CheckAsync();
        var data = page.GetByLabel("Data", new() { Exact = false }).First;

        await data.FillAsync($"[{string.Join(',', Enumerable.Repeat("1.5", 5_000))}]");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("a form holds at most 16 KiB of an input");
        Assert.Null(dashboard.Api.LastInfer);

        // Quotes take most of a message.
        await data.FillAsync($"[{string.Join(',', Enumerable.Repeat("\"\"", 5_000))}]");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();
        await Wait.UntilAsync(() => dashboard.Api.LastInfer?.Body.Length > 15_000);
    }

    [Fact]
    public async Task Other_version_is_not_shown_the_answer_of_the_one_before_it()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.OlderVersions = true;
        await page.GotoAsync("/playground?model=delivery%2F2");
        await page.SubmitKeyAsync(FakeApi.Key);
        await page.GetByLabel("Beside it").SelectOptionAsync("delivery/1");
        dashboard.Api.InferTime = TimeSpan.FromSeconds(2);
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();
        await Wait.UntilAsync(() => dashboard.Api.LastInfer?.Model == "delivery/1");
        await page.GetByLabel("Beside it").SelectOptionAsync("delivery/0");
        await Expect(page.Locator("[aria-label=Answer]")).ToHaveAttributeAsync("aria-busy", "false");
        await Expect(page.GetByLabel("Data of score")).ToHaveCountAsync(1);
    }

    private static FilePayload Csv(string text, string name = "rows.csv") =>
        new() { Name = name, MimeType = "text/csv", Buffer = System.Text.Encoding.UTF8.GetBytes(text) };

    [Fact]
    public async Task Form_begins_with_the_sample_request_of_the_version()
    {
        var page = await OpenAsync();
        dashboard.Api.Console.Sample = """
            {"id":"a","inputs":[{"name":"stops","datatype":"INT64","shape":[1,1],"data":[[4]]},
             {"name":"distance","datatype":"FP32","shape":[1],"data":[2.5]},
             {"name":"express","datatype":"BOOL","shape":[1],"data":[true]},{"name":"note","datatype":"BYTES","shape":[1],"data":["fragile"]}]}
            """;
        await page.GetByLabel("Model").SelectOptionAsync("delivery/2");

        await Expect(page.GetByLabel("distance")).ToHaveValueAsync("2.5");
        await Expect(page.GetByLabel("stops")).ToHaveValueAsync("4");
        await Expect(page.GetByLabel("express")).ToBeCheckedAsync();
        await Expect(page.GetByLabel("note")).ToHaveValueAsync("fragile");

        // Of several rows the form shows the arrays.
        dashboard.Api.Console.Sample =
            """{"inputs":[{"name":"text","datatype":"BYTES","shape":[2,1],"data":["good", "bad"]}]}""";
        await page.GetByLabel("Model").SelectOptionAsync("sentiment/3");
        await Expect(page.GetByLabel("Shape")).ToHaveValueAsync("2, 1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();

        await Expect(page.GetByLabel("Data of score")).ToBeVisibleAsync();
        using var sent = JsonDocument.Parse(dashboard.Api.LastInfer!.Value.Body);
        Assert.Equal("""["good","bad"]""", sent.RootElement.GetProperty("inputs")[0].GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Picture_is_shown_sent_and_answered_by_the_names_of_its_classes()
    {
        var page = await dashboard.OpenAsync();
        var errors = page.CollectErrors();
        dashboard.Api.Photos = true;
        await page.GotoAsync("/playground?model=photos%2F1");
        await page.SubmitKeyAsync(FakeApi.Key);
        var run = page.GetByRole(AriaRole.Button, new() { Name = "Run" });
        await run.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync("picture: choose a JPEG or PNG.");

        var picture = await page.Locator("body").ScreenshotAsync();
        await page.GetByLabel("picture").ChooseAsync(new FilePayload { Name = "dog.png", MimeType = "image/png", Buffer = picture });
        var preview = page.GetByAltText("The picture that was chosen");
        await Expect(preview).ToBeVisibleAsync();
        await Wait.UntilAsync(async () => await preview.EvaluateAsync<int>("image => image.naturalWidth") > 1000);
        await run.ClickAsync();
        await Expect(page.GetByLabel("Classes of scores").GetByRole(AriaRole.Listitem))
            .ToHaveTextAsync(["dog: small 0.75", "class 0 0.25"]);

        using var sent = JsonDocument.Parse(dashboard.Api.LastInfer!.Value.Body);
        Assert.Equal(picture, sent.RootElement.GetProperty("inputs")[0].GetProperty("data")[0].GetBytesFromBase64());
        Assert.Equal(
            """[{"name":"scores","parameters":{"classification":5}},{"name":"sharpness"}]""",
            sent.RootElement.GetProperty("outputs").GetRawText());
        await Expect(page.GetByLabel("Data of sharpness")).ToHaveTextAsync("[0.5]");
        await page.GetByText("The same request with curl").ClickAsync();
        await Expect(page.Locator("#request-curl")).ToContainTextAsync("base64 of the file");
        Assert.Empty(errors);
    }

    [Fact]
    public async Task What_is_wrong_is_said_and_the_form_stays()
    {
        var page = await OpenAsync();
        await page.GetByLabel("Model").SelectOptionAsync("sentiment/3");
        await page.GetByLabel("Several rows, as JSON").CheckAsync();
        var alert = page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert);
        var run = page.GetByRole(AriaRole.Button, new() { Name = "Run" });

        await page.GetByLabel("Data", new() { Exact = false }).First.FillAsync("no json");
        await run.ClickAsync();
        await Expect(alert).ToContainTextAsync("text: the data are not JSON");

        dashboard.Api.InferError = "inputs[0].data: 1 element expected";
        await page.GetByLabel("Data", new() { Exact = false }).First.FillAsync("[]");
        await run.ClickAsync();
        await Expect(alert).ToContainTextAsync("400: inputs[0].data: 1 element expected");

        dashboard.Api.InferError = null;
        await run.ClickAsync();
        await Expect(alert).ToBeHiddenAsync();
        await Expect(page.GetByLabel("Data of score")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Run_that_takes_longer_than_other_calls_may_is_waited_for()
    {
        var page = await OpenAsync();
        dashboard.Api.InferTime = TimeSpan.FromSeconds(12);
        await page.GetByRole(AriaRole.Button, new() { Name = "Draw an example" }).ClickAsync();

        await Expect(page.Locator("[data-answer]")).ToHaveTextAsync("7");
    }

    [Fact]
    public async Task Run_that_was_not_answered_in_time_says_so_and_what_to_do()
    {
        var page = await OpenAsync();
        (dashboard.Api.InferError, dashboard.Api.InferErrorStatus) = ("the call's deadline passed before it was answered", 504);
        await page.GetByRole(AriaRole.Button, new() { Name = "Draw an example" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Alert)).ToContainTextAsync(
            "The model did not answer in time. 504: the call's deadline passed before it was answered. It may be loading, or others may "
            + "wait before you: see its queue in the overview, then run the request again.");
    }

    [Fact]
    public async Task Model_that_is_chosen_before_the_drawing_area_has_its_script_gets_its_form()
    {
        var page = await dashboard.OpenAsync();
        var errors = page.CollectErrors();
        await page.SignInAsync();
        var asked = new TaskCompletionSource();
        var script = new TaskCompletionSource();
        await page.RouteAsync("**/playground*.js", async route =>
        {
            asked.TrySetResult();
            await script.Task;
            await route.ContinueAsync();
        });
        await page.GetByRole(AriaRole.Link, new() { Name = "Playground" }).ClickAsync();
        await asked.Task.WaitAsync(Wait.DefaultLimit, TestContext.Current.CancellationToken);
        await page.GetByLabel("Model").SelectOptionAsync("sentiment/3");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Run" })).ToBeVisibleAsync();

        var loaded = page.WaitForResponseAsync(new System.Text.RegularExpressions.Regex(
            @"/playground.*\.js$", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
        script.SetResult();
        await loaded;
        await page.GetByLabel("text").FillAsync("good");
        await page.GetByRole(AriaRole.Button, new() { Name = "Run" }).ClickAsync();

        await Expect(page.GetByLabel("Data of score")).ToBeVisibleAsync();
        await page.GetByLabel("Model").SelectOptionAsync("digits/1");
        await Expect(page.Locator("canvas[data-ready]")).ToBeVisibleAsync();
        Assert.Empty(errors);
    }

    [Fact]
    public async Task Playground_says_so_when_there_are_no_models()
    {
        var page = await dashboard.OpenAsync();
        dashboard.Api.Models = false;
        await page.SignInAsync();

        await page.GotoAsync("/playground");

        await Expect(page.GetByText("No models are registered.")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Revoked_session_leads_to_the_sign_in_and_back()
    {
        var page = await OpenAsync();
        dashboard.Api.RevokeTokens();

        await page.GetByRole(AriaRole.Button, new() { Name = "Draw an example" }).ClickAsync();
        await Expect(page.GetByText("Your session has expired")).ToBeVisibleAsync();
        await page.SubmitKeyAsync(FakeApi.Key);

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Playground" })).ToBeVisibleAsync();
    }

    [Theory, Trait("Tier", "Nightly")]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    public async Task Playground_fits_its_window_in_either_theme(int width, ColorScheme scheme)
    {
        var page = await OpenAsync(width, scheme);
        await DrawLineAsync(page, 0.5f);
        await Expect(page.Locator("[data-answer]")).ToBeVisibleAsync();

        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Playground" })).ToBeInViewportAsync();
        if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { } folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"playground-{width}-{scheme}.png"), FullPage = true });
        }
    }

    private async Task<IPage> OpenAsync(int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        var page = await dashboard.OpenAsync(width, scheme: scheme);
        await page.SignInAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Playground" }).ClickAsync();
        await Expect(page.Locator("canvas[data-ready]")).ToBeVisibleAsync();
        return page;
    }

    private static async Task DrawLineAsync(IPage page, float across)
    {
        var box = (await page.Locator("canvas").BoundingBoxAsync())!;
        var x = box.X + (box.Width * across);
        await page.Mouse.MoveAsync(x, box.Y + (box.Height * 0.3f));
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(x, box.Y + (box.Height * 0.7f), new() { Steps = 8 });
        await page.Mouse.UpAsync();
    }

    private (string Model, int[] Pixels) LastPicture()
    {
        var (model, body) = dashboard.Api.LastInfer!.Value;
        using var sent = JsonDocument.Parse(body);
        return (model, sent.RootElement.GetProperty("inputs")[0].GetProperty("data").Deserialize<int[]>()!);
    }
}
