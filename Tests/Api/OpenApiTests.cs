using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;
using Microsoft.OpenApi;

namespace InferenceTemplate.Tests.Api;

/// <summary>The document of the Api, as it serves it.</summary>
public sealed class OpenApiTests(Platform platform)
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "patch"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Document_is_the_one_in_the_repository()
    {
        var kept = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "openapi.json"), Cancellation);

        Assert.True(
            kept.ReplaceLineEndings("\n").TrimEnd() == (await TextAsync()).ReplaceLineEndings("\n").TrimEnd(),
            "docs/openapi.json is not what the Api serves: run scripts/openapi.sh, and look at what has changed for callers.");
    }

    [Fact]
    public async Task Document_is_valid_OpenAPI_3_1()
    {
        var read = OpenApiDocument.Parse(await TextAsync(), "json");

        Assert.NotNull(read.Document);
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, read.Diagnostic?.SpecificationVersion);
        Assert.Empty(read.Diagnostic!.Errors.Select(e => e.ToString()));
        Assert.Empty(read.Diagnostic.Warnings.Select(e => e.ToString()));
    }

    [Fact]
    public async Task Every_operation_has_an_id_of_its_own_a_summary_and_a_success()
    {
        var operations = await OperationsAsync();

        Assert.Equal(operations.Count,
            operations.Select(o => o.Value.GetProperty("operationId").GetString()).Distinct(StringComparer.Ordinal).Count());
        Assert.All(operations, o => Assert.True(
            o.Value.TryGetProperty("summary", out var summary) && summary.GetString() is { Length: > 0 },
            $"{o.Name} has no WithSummary(...)"));
        Assert.All(operations, o => Assert.True(
            o.Value.GetProperty("responses").EnumerateObject().Any(r => r.Name[0] == '2'), $"{o.Name} has no Produces(...) of a success"));
    }

    [Fact]
    public async Task Every_operation_says_who_may_call_it_and_which_errors_it_has()
    {
        foreach (var (name, operation) in await OperationsAsync())
        {
            var responses = operation.GetProperty("responses");
            var known = operation.TryGetProperty("security", out var security) && security.GetArrayLength() > 0;
            Assert.True(known == responses.TryGetProperty("401", out _), name);
            Assert.True(known == responses.TryGetProperty("429", out _), name);
            Assert.True(known || name is "get /v2/health/live" or "get /v2/health/ready", $"{name} is open to anybody");
            Assert.True(responses.TryGetProperty("500", out _), name);
            Assert.All(responses.EnumerateObject().Where(r => r.Name is "401" or "429" or "500"), r => Assert.Equal(
                name.Contains(" /v2", StringComparison.Ordinal) ? "#/components/schemas/Error"
                    : name is "post /v1/embeddings" or "post /v1/rerank" or "post /v1/chat/completions" or "post /v1/completions"
                        ? "#/components/schemas/OpenAiError"
                    : "#/components/schemas/Problem",
                r.Value.GetProperty("content").EnumerateObject().Single().Value.GetProperty("schema").GetProperty("$ref").GetString()));
            if (responses.TryGetProperty("429", out var limited))
            {
                Assert.True(limited.GetProperty("headers").TryGetProperty("Retry-After", out _), name);
            }
        }
    }

    [Fact]
    public async Task Infer_has_examples_that_the_Api_serves()
    {
        var infer = (await OperationsAsync()).Single(o => o.Name == "post /v2/models/{model}/infer").Value;
        var request = infer.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");
        var answer = infer.GetProperty("responses")
            .GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("example");
        using var client = platform.Admin();

        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Json(request.GetRawText()), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var served = await response.JsonAsync();
        Assert.Equal(answer.EnumerateObject().Select(p => p.Name).Order(), served.EnumerateObject().Select(p => p.Name).Order());
        Assert.Equal(answer.Output("label").GetRawText().Replace(" ", "").Replace("\n", ""), served.Output("label").GetRawText());
    }

    [Fact]
    public async Task Document_names_no_address_of_its_own()
    {
        var servers = JsonElement.Parse(await TextAsync()).GetProperty("servers");

        Assert.Equal("/", Assert.Single(servers.EnumerateArray()).GetProperty("url").GetString());
    }

    [Fact]
    public async Task Tags_are_those_of_the_operations()
    {
        var document = JsonElement.Parse(await TextAsync());

        var tags = document.GetProperty("tags")
            .EnumerateArray().Select(t => t.GetProperty("name").GetString()).Order(StringComparer.Ordinal);
        var used = (await OperationsAsync()).Select(o => Assert.Single(o.Value.GetProperty("tags").EnumerateArray()).GetString());
        Assert.Equal(used.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), tags);
    }

    [Theory]
    [InlineData("/openapi/", "text/html")]
    [InlineData("/openapi/scalar.js", "text/javascript")]
    [InlineData("/openapi/scalar.aspnetcore.js", "text/javascript")]
    [InlineData("/openapi/favicon.svg", "image/svg+xml")]
    public async Task Page_and_what_it_loads_come_from_the_Api(string path, string type)
    {
        using var client = platform.Anonymous();

        using var response = await client.GetAsync(path, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith(
            "default-src 'none';", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
    }

    [Fact]
    public async Task Page_runs_only_scripts_and_style_sheets_of_its_own_answer()
    {
        using var client = platform.Anonymous();

        using var first = await client.GetAsync("/openapi", Cancellation);
        using var second = await client.GetAsync("/openapi", Cancellation);

        var policy = Directives(first);
        var nonce = policy["script-src"].Split(' ').Single(s => s.StartsWith("'nonce-", StringComparison.Ordinal));
        Assert.Equal("'none'", policy["default-src"]);
        Assert.Equal($"'self' {nonce}", policy["script-src"]);
        Assert.Equal(nonce, policy["style-src-elem"]);
        Assert.Equal("'self'", policy["connect-src"]);
        Assert.Equal("'self'", policy["img-src"]);
        Assert.Equal("'none'", policy["frame-ancestors"]);
        Assert.NotEqual(policy["script-src"], Directives(second)["script-src"]);
        var text = await first.Content.ReadAsStringAsync(Cancellation);
        Assert.Contains($"nonce=\"{nonce[7..^1]}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("http", text, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Directives(HttpResponseMessage response) =>
        Assert.Single(response.Headers.GetValues("Content-Security-Policy")).Split("; ")
            .Select(directive => directive.Split(' ', 2))
            .ToDictionary(directive => directive[0], directive => directive[1], StringComparer.Ordinal);

    private async Task<string> TextAsync()
    {
        using var client = platform.Anonymous();
        return await client.GetStringAsync("/openapi/v1.json", Cancellation);
    }

    private async Task<List<(string Name, JsonElement Value)>> OperationsAsync() =>
        [.. JsonElement.Parse(await TextAsync()).GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject()
                .Where(o => Methods.Contains(o.Name))
                .Select(o => ($"{o.Name} {path.Name}", o.Value)))];
}
