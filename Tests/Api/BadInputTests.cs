using System.Net;
using System.Net.Http.Headers;
using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class BadInputTests(Platform platform)
{
    private const string Image = "\"name\":\"image\"";

    private static readonly string Zeros = string.Join(',', Enumerable.Repeat("0", 64));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Bodies => new()
    {
        { "", "body is empty" },
        { "{", "not valid JSON" },
        { "[]", "the body: an object expected, an array given" },
        { "{}", "inputs: missing" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]} x""", "not valid JSON" },
        { """{"inputs":{}}""", "inputs: an array expected" },
        { """{"inputs":[]}""", "'image' (FP32 [-1,8,8]) is missing" },
        { """{"inputs":[7]}""", "inputs[0]: an object expected, a number given" },
        { $$"""{"inputs":[{"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""", "inputs[0].name: missing" },
        { $$"""{"inputs":[{{{Image}},"datatype":"FP32","data":[{{Zeros}}]}]}""", "inputs[0].shape: missing" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,8,8],"data":[{{Zeros}}]}]}""", "inputs[0].datatype: missing" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32"}]}""", "inputs[0].data: missing" },
        { $$"""{"inputs":[{"name":"picture","shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""", "'picture' is not an input" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FLOAT","data":[{{Zeros}}]}]}""", "'FLOAT' is not a datatype" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"INT64","data":[{{Zeros}}]}]}""", "INT64 given, FP32 expected" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP16","data":[{{Zeros}}]}]}""", "FP16 can't be given as JSON" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,64],"datatype":"FP32","data":[{{Zeros}}]}]}""", "[1,64] given, [-1,8,8] expected" },
        { $$"""{"inputs":[{{{Image}},"shape":[0,8,8],"datatype":"FP32","data":[]}]}""", "must be at least 1" },
        { $$"""{"inputs":[{{{Image}},"shape":[-1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""", "inputs[0].shape: whole numbers" },
        { $$"""{"inputs":[{{{Image}},"shape":[99999,99999],"datatype":"FP32","data":[{{Zeros}}]}]}""", "more than 16777216 elements" },
        { $$"""{"inputs":[{{{Image}},"shape":[2,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""",
            "64 elements given, but the shape says 128" },
        { $$"""{"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}},0]}]}""", "more elements than the 64" },
        { """{"inputs":[{"name":"image","shape":[1],"datatype":"FP32","data":["a"]}]}""", "element 0 is not a FP32" },
        { """{"inputs":[{"name":"image","shape":[1],"datatype":"FP32","data":[1e99]}]}""", "element 0 is not a FP32" },
        { """{"inputs":[{"name":"image","shape":[1],"datatype":"UINT8","data":[256]}]}""", "element 0 is not a UINT8" },
        { """{"inputs":[{"name":"image","shape":[1],"datatype":"FP32","data":[NaN]}]}""", "not valid JSON" },
        { $$"""{"outputs":[{"name":"mood"}],"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""",
            "'mood' is not an output" },
        { $$"""{"parameters":{"timeout":"1s"},"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""",
            "parameters.timeout" },
        { $$"""{"parameters":{"priority":"high"},"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""",
            "parameters.priority: a whole number" },
        { $$"""{"parameters":{"priority":-1},"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""",
            "parameters.priority: a whole number" },
        { $$"""{"parameters":{"priority":1.5},"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""",
            "parameters.priority: a whole number" },
        { $$"""{"id":7,"inputs":[{{{Image}},"shape":[1,8,8],"datatype":"FP32","data":[{{Zeros}}]}]}""",
            "id: a string expected, a number given" },
        { """{"extra":""" + new string('[', 70), "maximum configured depth of 64" },
    };

    [Theory]
    [InlineData("GET", "/v1/jobs?model=%00")]
    [InlineData("GET", "/v1/overview/changes?model=%00")]
    [InlineData("GET", "/v1/usage?tenant=%00")]
    [InlineData("GET", "/v1/tenants?after=%00")]
    [InlineData("GET", "/v1/keys?tenant=%00")]
    [InlineData("POST", "/v1/keys", """{"name":"n","role":"user","tenant":"\u0000"}""")]
    [InlineData("PUT", "/v1/models/digits/aliases/best", """{"version":"\u0000"}""")]
    [InlineData("POST", "/v1/tenants", """{"id":"\ud800"}""")]
    [InlineData("POST", "/v1/tenants", """{"\ud800":"x"}""")]
    public async Task Text_that_no_database_takes_is_the_callers_mistake(string method, string path, string? body = null)
    {
        using var admin = platform.Admin();
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : Digits.Json(body) };

        using var response = await admin.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.NotEmpty((await response.JsonAsync()).GetProperty("detail").GetString()!);
    }

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Infer_answers_400_that_names_the_field_when_the_body_is_wrong(string body, string reason)
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Json(body), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(reason, await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v2/models/nothing/infer", "there is no model 'nothing'")]
    [InlineData("/v2/models/digits/versions/9/infer", "there is no version '9' of a model 'digits'")]
    [InlineData("/v2/models/digits/inferno", "there is nothing at /v2/models/digits/inferno")]
    public async Task Infer_answers_404_when_the_model_or_path_is_unknown(string path, string reason)
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync(path, Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains(reason, await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Infer_answers_405_when_the_method_is_wrong()
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync("/v2/models/digits/infer", Cancellation);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Contains("GET is not possible", await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Infer_answers_413_when_the_body_is_too_large()
    {
        using var client = platform.Admin();
        using var content = new ByteArrayContent(new byte[(32 * 1024 * 1024) + 1]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        // So that the refusal is read instead of a connection closed while sending.
        client.DefaultRequestHeaders.ExpectContinue = true;
        using var response = await client.PostAsync("/v2/models/digits/infer", content, Cancellation);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("33554432", await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Infer_takes_a_body_as_large_as_the_limit()
    {
        using var client = platform.Admin();
        var request = Digits.ExampleRequest;

        using var response = await client.PostAsync(
            "/v2/models/digits/infer", Digits.Json(request.PadRight(32 * 1024 * 1024)), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Infer_refuses_every_mutation_of_a_request_with_a_reason_or_serves_it()
    {
        using var client = platform.Admin();
        var random = new Random(20);
        var original = Encoding.UTF8.GetBytes(Digits.ExampleRequest);

        for (var i = 0; i < 500; i++)
        {
            var mutated = (byte[])original.Clone();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            }

            using var content = new ByteArrayContent(mutated);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await client.PostAsync("/v2/models/digits/infer", content, Cancellation);

            if (response.StatusCode != HttpStatusCode.OK)
            {
                Assert.True(
                    response.StatusCode == HttpStatusCode.BadRequest, $"{response.StatusCode} for {Encoding.UTF8.GetString(mutated)}");
                Assert.NotEmpty(await response.ErrorAsync());
            }
        }
    }
}
