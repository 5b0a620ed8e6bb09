using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Playwright;
using StackExchange.Redis;
using static Microsoft.Playwright.Assertions;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>What a person on call does most, on the real platform, with the clicks that it takes from the overview on.</summary>
[Collection<DashboardPlatform>]
public sealed class ConsoleDashboardTests(DashboardPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Model_is_uploaded_promoted_tried_as_a_canary_and_rolled_back_in_few_clicks()
    {
        await using var browser = await StartAsync();
        var name = $"c{Guid.NewGuid():N}"[..12];
        using var admin = platform.Admin();

        var upload = await OpenAsync(browser);
        await upload.GoToAsync("Models");
        await upload.DropAsync($"{name}.onnx", OnnxFile.Add(10));
        await upload.PressAsync("Upload");
        await Expect(upload.Page.GetByRole(AriaRole.Region, new() { Name = "Versions" }).GetByText("ready", new() { Exact = true }))
            .ToBeVisibleAsync();
        Assert.InRange(upload.Count, 1, 4);
        await Wait.UntilAsync(async () =>
        {
            using var ready = await admin.GetAsync($"/v2/models/{name}/versions/1/ready", Cancellation);
            return ready.StatusCode == HttpStatusCode.OK;
        });

        await using (var second = new MemoryStream(OnnxFile.Add(20)))
        {
            using var content = new StreamContent(second);
            using var added = await admin.PostAsync($"/v1/models/{name}/versions", content, Cancellation);
            Assert.Equal(HttpStatusCode.Accepted, added.StatusCode);
        }

        var first = await OpenModelAsync(browser, name);
        await first.PressAsync("Promote 1");
        await first.PressAsync("Promote");
        await Expect(first.Page.Locator("[data-stable]")).ToHaveTextAsync("1");
        Assert.InRange(first.Count, 1, 3);

        var canary = await OpenModelAsync(browser, name);
        await canary.PressAsync("Start canary");
        await Wait.UntilAsync(async () => await TrafficAsync(admin, name) == "2");
        await canary.PressAsync("Stop");
        await Wait.UntilAsync(async () => await TrafficAsync(admin, name) is null);
        Assert.InRange(canary.Count, 1, 4);

        var promote = await OpenModelAsync(browser, name);
        await promote.PressAsync("Promote 2");
        await promote.PressAsync("Promote");
        await Expect(promote.Page.Locator("[data-stable]")).ToHaveTextAsync("2");
        Assert.InRange(promote.Count, 1, 3);

        var back = await OpenModelAsync(browser, name);
        await back.PressAsync("Roll back to 1");
        await back.PressAsync("Roll back");
        await Expect(back.Page.Locator("[data-stable]")).ToHaveTextAsync("1");
        Assert.InRange(back.Count, 1, 3);
    }

    [Fact]
    public async Task Dead_letter_is_back_in_its_queue_after_few_clicks()
    {
        await using var browser = await StartAsync();
        await using var redis = await ConnectionMultiplexer.ConnectAsync(
            (await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        var (model, requests) = await DeadLetterAsync(redis);

        var letters = await OpenAsync(browser);
        await letters.GoToAsync("Dead letters");
        var row = letters.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = model });
        await Expect(row).ToContainTextAsync("no worker could finish it");
        await letters.ClickAsync(row.GetByRole(AriaRole.Button, new() { Name = "Requeue" }));

        await Expect(row).ToBeHiddenAsync();
        Assert.InRange(letters.Count, 1, 3);

        // It is gone from the page before the Api has answered.
        await Wait.UntilAsync(async () => (await requests.StatsAsync([new QueueName(model, "1")]))[0].DeadLetters == 0);
    }

    [Fact]
    public async Task Key_for_a_colleague_works_after_few_clicks()
    {
        await using var browser = await StartAsync();
        var keys = await OpenAsync(browser);
        await keys.GoToAsync("Keys");
        await keys.Page.GetByLabel("Name", new() { Exact = true }).FillAsync("Ada");
        await keys.PressAsync("Create key");

        var secret = await keys.Page.Locator("#secret").InnerTextAsync();
        Assert.InRange(keys.Count, 1, 4);
        using var ada = platform.WithKey(secret);
        using var overview = await ada.GetAsync("/v1/overview", Cancellation);
        Assert.Equal(HttpStatusCode.OK, overview.StatusCode);
    }

    [Fact]
    public async Task Key_is_rotated_in_few_clicks_and_both_work_for_the_overlap()
    {
        await using var browser = await StartAsync();
        var name = $"Grace {Guid.NewGuid():N}"[..12];
        using var admin = platform.Admin();
        using var made = await admin.PostAsync(
            "/v1/keys", Digits.Json($$"""{"name":"{{name}}","role":"user","models":["digits"]}"""), Cancellation);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        using var old = JsonDocument.Parse(await made.Content.ReadAsStringAsync(Cancellation));

        var keys = await OpenAsync(browser);
        await keys.GoToAsync("Keys");
        var row = keys.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = name });
        await Expect(row).ToContainTextAsync("digits");
        await keys.PressAsync($"Rotate {name}");
        await keys.PressAsync("Rotate");
        var secret = await keys.Page.Locator("#secret").InnerTextAsync();

        Assert.InRange(keys.Count, 1, 3);
        Assert.NotEqual(old.RootElement.GetProperty("key").GetString(), secret);
        foreach (var key in new[] { old.RootElement.GetProperty("key").GetString()!, secret })
        {
            using var grace = platform.WithKey(key);
            using var models = JsonDocument.Parse(await grace.GetStringAsync("/v1/models", Cancellation));
            Assert.Equal("digits", Assert.Single(models.RootElement.GetProperty("models").EnumerateArray()).GetProperty("name").GetString());
        }
    }

    [Fact]
    public async Task Model_that_generates_text_is_talked_to_in_few_clicks()
    {
        await using var browser = await StartAsync();
        using var admin = platform.Admin();
        var name = $"t{Guid.NewGuid():N}"[..12];
        using var form = new MultipartFormDataContent();
        foreach (var (file, content) in TinyDecoder.Files())
        {
            form.Add(new ByteArrayContent(content), "file", file);
        }

        using var uploaded = await admin.PostAsync($"/v1/models/{name}/versions", form, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        await ReadyAsync(admin, name);

        var chat = await OpenAsync(browser);
        await chat.GoToAsync("Playground");
        await chat.Page.GetByLabel("Model", new() { Exact = true }).SelectOptionAsync($"{name}/1");
        await chat.Page.GetByLabel("Temperature").FillAsync("0");
        await chat.Page.GetByLabel("Max tokens").FillAsync("60");
        await chat.Page.Locator("#chat-message").FillAsync("Hello there");
        await chat.PressAsync("Send");

        var expected = TinyDecoder.Continue(TinyDecoder.Prompt("Hello there"), 60);
        var facts = chat.Page.Locator(".turn-model .facts");
        await Expect(facts).ToContainTextAsync($"Tokens out{expected.Tokens}");
        await Expect(facts).ToContainTextAsync("Ended bystop");
        Assert.Equal(expected.Text, await chat.Page.Locator(".turn-model p").TextContentAsync());
        Assert.Equal(2, chat.Count);
    }

    [Fact]
    public async Task Job_that_failed_runs_again_after_few_clicks()
    {
        await using var browser = await StartAsync();
        using var admin = platform.Admin();
        var name = $"g{Guid.NewGuid():N}"[..12];
        using var file = new ByteArrayContent(new OnnxModel().Input("index", OnnxModel.Int64, 1).Output("y", OnnxModel.Float, 1)
            .Constant("table", [1, 2, 3], 3).Node("Gather", ["table", "index"], ["y"]).ToBytes());
        using var uploaded = await admin.PostAsync($"/v1/models/{name}/versions", file, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        await ReadyAsync(admin, name);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v2/models/{name}/infer")
        {
            Content = Digits.Json("""{"inputs":[{"name":"index","datatype":"INT64","shape":[1],"data":[9]}]}"""),
        };
        request.Headers.Add("Prefer", "respond-async");
        using var accepted = await admin.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);

        var jobs = await OpenAsync(browser);
        await jobs.GoToAsync("Jobs");
        var row = jobs.Page.GetByRole(AriaRole.Region, new() { Name = "Jobs of default" }).GetByRole(AriaRole.Row)
            .Filter(new() { HasText = name });
        await Expect(row).ToContainTextAsync("1 of 3");
        await jobs.ClickAsync(row.GetByRole(AriaRole.Button, new() { Name = "Retry" }));

        await Expect(row).ToContainTextAsync("2 of 4");
        await Expect(row.Locator(".badge")).ToHaveTextAsync("failed");
        Assert.Equal(2, jobs.Count);
    }

    [Fact]
    public async Task Budget_that_burns_too_fast_is_seen_on_the_overview_without_a_click()
    {
        await using var browser = await StartAsync();
        await using var database = await platform.DatabaseAsync();

        // Minutes as old as this are not summed up again.
        await using var insert = database.CreateCommand("""
            INSERT INTO traffic_minutes (minute, requests, errors, rejections, fast, p50, p95, p99)
            SELECT date_trunc('minute', now()) - interval '20 minutes', 1000000, 100000, 0, 1000000, 0.01, 0.02, 0.03
            ON CONFLICT (minute) DO UPDATE SET requests = excluded.requests, errors = excluded.errors, fast = excluded.fast
            """);
        await insert.ExecuteNonQueryAsync(Cancellation);

        var overview = await OpenAsync(browser);

        var availability = overview.Page.Locator("[data-objective=availability]");
        await Expect(availability.Locator(".badge")).ToHaveTextAsync("burning");
        await Expect(availability).ToContainTextAsync("times over");
        await Expect(overview.Page.Locator("[data-objective=latency] .badge")).ToHaveTextAsync("met");
    }

    [Fact]
    public async Task Cost_of_this_month_by_tenant_is_seen_after_one_click()
    {
        await using var browser = await StartAsync();
        using var client = platform.Admin();
        using var answer = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        answer.EnsureSuccessStatusCode();
        await Wait.UntilAsync(async () =>
        {
            using var usage = JsonDocument.Parse(await client.GetStringAsync("/v1/usage?tenant=all&group=tenant", Cancellation));
            return usage.RootElement.GetProperty("usage").EnumerateArray().Any(row => row.GetProperty("tenant").GetString() == "default");
        });

        var cost = await OpenAsync(browser);
        await cost.GoToAsync("Usage & cost");
        await Expect(cost.Page.GetByRole(AriaRole.Region, new() { Name = "By tenant" }).GetByText("default", new() { Exact = true }))
            .ToBeVisibleAsync();
        Assert.InRange(cost.Count, 1, 2);
    }

    [Fact]
    public async Task Reason_of_a_failed_request_is_found_in_few_clicks_and_the_request_run_again()
    {
        await using var browser = await StartAsync();
        using var client = platform.Admin();
        using var failed = await client.PostAsync(
            "/v2/models/digits/infer", Digits.Json("""{"inputs":[{"name":"input","datatype":"FP32","shape":[1,2],"data":[1,2]}]}"""), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, failed.StatusCode);
        using var told = JsonDocument.Parse(await failed.Content.ReadAsStringAsync(Cancellation));
        var id = failed.Headers.GetValues("X-Correlation-Id").Single();
        await Wait.UntilAsync(async () =>
            (await client.GetStringAsync($"/v1/requests?trace={id}", Cancellation)).Contains(id, StringComparison.Ordinal));

        var requests = await OpenAsync(browser);
        await requests.GoToAsync("Requests");
        await requests.Page.GetByLabel("Id or trace id").FillAsync(id);
        await requests.PressAsync("Filter");
        var row = requests.Page.GetByRole(AriaRole.Region, new() { Name = "Requests" }).GetByRole(AriaRole.Row).Nth(1);
        await Expect(row).ToContainTextAsync(told.RootElement.GetProperty("error").GetString()!);
        await requests.ClickAsync(row.GetByRole(AriaRole.Link).First);
        await Expect(requests.Page.GetByText("It never ran.")).ToBeVisibleAsync();
        Assert.InRange(requests.Count, 1, 3);

        await requests.ClickAsync(requests.Page.GetByRole(AriaRole.Link, new() { Name = "Run again in the playground" }));
        await Expect(requests.Page.GetByLabel("Model", new() { Exact = true })).ToHaveValueAsync("digits/1");
    }

    [Fact]
    public async Task Worker_is_drained_and_undrained_in_few_clicks()
    {
        await using var browser = await StartAsync();
        using var admin = platform.Admin();
        Dictionary<string, string> own = [];
        await Wait.UntilAsync(async () => (own = await StatesAsync(admin)).Count > 0);
        await using var worker = await WorkerProcess.StartAsync(platform, Cancellation);
        string? id = null;
        await Wait.UntilAsync(async () =>
        {
            var states = await StatesAsync(admin);
            id = states.Keys.Except(own.Keys).ToList() is [var added] ? added : null;
            return id is not null && states.Values.All(state => state == "ready");
        });

        var drain = await OpenAsync(browser);
        await drain.GoToAsync("Workers");
        await drain.PressAsync($"Drain {id}");
        await Wait.UntilAsync(async () => (await StatesAsync(admin)).GetValueOrDefault(id!) == "drained");
        await Expect(drain.Page.GetByRole(AriaRole.Region, new() { Name = id }).GetByText("it can be stopped")).ToBeVisibleAsync();
        Assert.Equal(2, drain.Count);

        var undrain = await OpenAsync(browser);
        await undrain.GoToAsync("Workers");
        await undrain.PressAsync($"Undrain {id}");
        await Wait.UntilAsync(async () => (await StatesAsync(admin)).GetValueOrDefault(id!) == "ready");
        Assert.Equal(2, undrain.Count);
    }

    /// <summary>Pages ask for the list of models once.</summary>
    private static async Task ReadyAsync(HttpClient admin, string model)
    {
        await admin.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}/versions/1/ready"),
            ready => Task.FromResult(ready.IsSuccessStatusCode));
        await admin.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, "/v1/overview"),
            async overview => (await overview.Content.ReadAsStringAsync(Cancellation)).Contains($"\"{model}\"", StringComparison.Ordinal));
    }

    private static async Task<Dictionary<string, string>> StatesAsync(HttpClient admin)
    {
        using var overview = JsonDocument.Parse(await admin.GetStringAsync("/v1/overview", Cancellation));
        return overview.RootElement.GetProperty("workers").EnumerateArray()
            .ToDictionary(w => w.GetProperty("id").GetString()!, w => w.GetProperty("state").GetString()!, StringComparer.Ordinal);
    }

    private static async Task<Browser> StartAsync()
    {
        Browser.SkipUnlessInstalled();
        return await Browser.StartAsync();
    }

    private async Task<Clicks> OpenAsync(Browser browser)
    {
        var page = await browser.NewPageAsync(platform.App.GetEndpoint("web", "http").ToString());
        await page.GotoAsync("/");
        await page.GetByLabel("API key").FillAsync(Platform.AdminKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.Locator("[data-health]")).ToBeVisibleAsync();
        return new Clicks(page);
    }

    private async Task<Clicks> OpenModelAsync(Browser browser, string name)
    {
        var clicks = await OpenAsync(browser);
        await clicks.ClickAsync(clicks.Page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true }).First);
        return clicks;
    }

    private static async Task<string?> TrafficAsync(HttpClient admin, string model)
    {
        using var policy = JsonDocument.Parse(await admin.GetStringAsync($"/v1/models/{model}/traffic", Cancellation));
        return policy.RootElement.GetProperty("canary") is { ValueKind: JsonValueKind.Object } canary
            ? canary.GetProperty("version").GetString()
            : null;
    }

    /// <summary>A dead letter, of a model that no worker here can load.</summary>
    private async Task<(string Model, RequestQueue Requests)> DeadLetterAsync(ConnectionMultiplexer redis)
    {
        var model = $"q{Guid.NewGuid():N}"[..12];
        var options = Options.Create(new QueueOptions());
        var requests = new RequestQueue(redis, options, TimeProvider.System);
        var worker = new QueueConsumer(
            redis, new QueueWakeup(redis), new QueueCancellations(redis), options, TimeProvider.System, NullLogger<QueueConsumer>.Instance,
            "test", model, "1");
        var now = TimeProvider.System.GetUtcNow();
        await requests.EnqueueAsync(new InferenceRequest(
            Guid.CreateVersion7(), model, "1", "default", RequestKind.Call, Priority.Normal, "", now, now.AddMinutes(5), null, null, [],
            [new Tensor("x", Datatype.Uint8, [3], new byte[] { 1, 2, 3 })]));
        await worker.DeadLetterAsync(Assert.Single(await worker.ReadAsync(1)), "no worker could finish it");

        await using var database = await platform.DatabaseAsync();
        await using var insert = database.CreateCommand($$"""
            INSERT INTO models (name, settings, created_at, updated_at) VALUES ('{{model}}', '{}', now(), now());
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            SELECT '{{model}}', version, platform, repeat('0', 64), size_bytes, signature, registered_at FROM model_versions WHERE model = 'digits' AND version = '1'
            """);
        await insert.ExecuteNonQueryAsync(Cancellation);
        using var admin = platform.Admin();
        await admin.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"), known => Task.FromResult(known.IsSuccessStatusCode));
        return (model, requests);
    }

    /// <summary>A page, and how often somebody has clicked on it since the overview.</summary>
    private sealed class Clicks(IPage page)
    {
        public IPage Page => page;

        public int Count { get; private set; }

        public Task GoToAsync(string section) =>
            ClickAsync(page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link).Filter(new()
            {
                Has = page.GetByText(section, new() { Exact = true }),
            }));

        public Task PressAsync(string button) => ClickAsync(page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }));

        public async Task DropAsync(string name, byte[] content)
        {
            Count++;
            var upload = page.GetByRole(AriaRole.Button, new() { Name = "Upload", Exact = true });

            // Faster than a person: what is chosen before the page listens is chosen again.
            await Wait.UntilAsync(
                async () =>
                {
                    await page.GetByLabel("ONNX file")
                        .SetInputFilesAsync(new FilePayload { Name = name, MimeType = "application/octet-stream", Buffer = content });
                    await page.WaitForTimeoutAsync(500);
                    return await upload.IsEnabledAsync();
                },
                awaited: "the page to take the file");
        }

        public async Task ClickAsync(ILocator target)
        {
            Count++;
            await target.ClickAsync();
        }
    }
}
