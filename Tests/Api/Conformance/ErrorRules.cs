using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace InferenceTemplate.Tests.Api.Conformance;

[Collection(nameof(ProtocolModels))]
public sealed class ErrorRules(ProtocolModels models)
{
    public static TheoryData<string, string> Paths => new()
    {
        { "GET", "/v2" },
        { "GET", "/v2/models" },
        { "GET", "/v2/models/stats" },
        { "GET", "/v2/models/digits" },
        { "GET", "/v2/models/digits/ready" },
        { "GET", "/v2/models/digits/config" },
        { "GET", "/v2/models/digits/stats" },
        { "POST", "/v2/models/digits/infer" },
        { "GET", "/v2/models/digits/versions/1" },
        { "GET", "/v2/models/digits/versions/1/ready" },
        { "GET", "/v2/models/digits/versions/1/config" },
        { "GET", "/v2/models/digits/versions/1/stats" },
        { "POST", "/v2/models/digits/versions/1/infer" },
        { "POST", "/v2/repository/index" },
        { "POST", "/v2/repository/models/digits/load" },
        { "POST", "/v2/repository/models/digits/unload" },
    };

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Without_credentials_is_401(string method, string path)
    {
        using var anonymous = models.Platform.Anonymous();

        await anonymous.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), ProtocolModels.Cancellation)
            .RefusedAsync(HttpStatusCode.Unauthorized, "credentials are missing");
    }

    [Theory]
    [InlineData("/v2/repository/index")]
    [InlineData("/v2/repository/models/digits/unload")]
    public async Task With_a_lesser_role_is_403(string path)
    {
        await using var keys = await TestKeys.OpenAsync(models.Platform);
        using var client = models.Platform.WithKey(await keys.CreateAsync("inference"));

        await client.PostAsync(path, null, ProtocolModels.Cancellation).RefusedAsync(HttpStatusCode.Forbidden, "do not allow this");
    }

    [Theory]
    [InlineData("/v2/nothing")]
    [InlineData("/v2/models/digits/nothing")]
    [InlineData("/v2/models/digits/versions/1/nothing/more")]
    [InlineData("/v2/health")]
    public async Task Unknown_path_is_404(string path) =>
        await models.Client.GetAsync(path, ProtocolModels.Cancellation)
            .RefusedAsync(HttpStatusCode.NotFound, $"there is nothing at {path}");

    [Theory]
    [InlineData("")]
    [InlineData("/ready")]
    [InlineData("/config")]
    [InlineData("/stats")]
    public async Task Unknown_model_or_version_is_404(string what)
    {
        await models.Client.GetAsync($"/v2/models/nobody{what}", ProtocolModels.Cancellation)
            .RefusedAsync(HttpStatusCode.NotFound, "there is no model 'nobody'");
        await models.Client.GetAsync($"/v2/models/digits/versions/77{what}", ProtocolModels.Cancellation)
            .RefusedAsync(HttpStatusCode.NotFound, "there is no version '77'");
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Wrong_method_is_405(string method, string path)
    {
        using var response = await models.Client.SendAsync(
            new HttpRequestMessage(new HttpMethod(method == "GET" ? "DELETE" : "PUT"), path), ProtocolModels.Cancellation);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Contains("is not possible at", await response.ErrorAsync(), StringComparison.Ordinal);
        Assert.Contains(method, response.Content.Headers.Allow);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_beyond_the_limit_is_413_whether_its_length_is_told_or_not(bool told)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer");
        request.Content = new ByteArrayContent(new byte[(32 * 1024 * 1024) + 1]);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        // So that the refusal is read instead of a connection closed while sending.
        request.Headers.ExpectContinue = told;
        request.Headers.TransferEncodingChunked = !told;
        using var client = models.Platform.Admin();

        await client.SendAsync(request, ProtocolModels.Cancellation).RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "33554432");
    }

    [Theory]
    [InlineData("/v2/repository/index", "[]")]
    [InlineData("/v2/repository/index", "{\"ready\":1}")]
    [InlineData("/v2/repository/index", "{")]
    [InlineData("/v2/repository/models/digits/load", "7")]
    [InlineData("/v2/repository/models/digits/load", "{\"parameters\":[]}")]
    public async Task Repository_body_of_another_form_is_400(string path, string body) =>
        await models.PostAsync(path, Encoding.UTF8.GetBytes(body))
            .RefusedAsync(HttpStatusCode.BadRequest, "the body is not what is expected here");

    [Theory]
    [InlineData("config")]
    [InlineData("file:1/model.onnx")]
    public async Task Load_with_what_would_change_the_model_is_400(string parameter) =>
        await models.PostAsync("/v2/repository/models/digits/load", Encoding.UTF8.GetBytes($$$"""{"parameters":{"{{{parameter}}}":"x"}}"""))
            .RefusedAsync(HttpStatusCode.BadRequest, $"parameters.{parameter}: not supported");

    [Theory]
    [InlineData("GET /v2/models/digits HTTP/1.1\r\nHost: a\r\nX-Large: {0}\r\n\r\n", 40_000, "431")]
    [InlineData("GET /v2/models/digits?{0} HTTP/1.1\r\nHost: a\r\n\r\n", 9_000, "414")]
    [InlineData("GET /v2/models/digits HTTP/1.1\r\nHost: a\r\n{1}\r\n", 110, "431")]
    [InlineData("POST /v2/models/digits/infer HTTP/1.1\r\nHost: a\r\nContent-Length: x{0}\r\n\r\n", 1, "400")]
    [InlineData("POST /v2/models/digits/infer HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked{0}\r\nContent-Length: 5\r\n\r\n", 0, "4")]
    [InlineData("POST /v2/models/digits/infer HTTP/1.1\r\nHost: a\r\nbroken header{0}\r\n\r\n", 0, "400")]
    [InlineData("GET /v2/models/digits HTTP/1.1\r\n{0}\r\n", 0, "400")]
    public async Task Malformed_or_oversized_headers_are_a_4xx(string request, int size, string status)
    {
        var address = models.Client.BaseAddress!;
        using var socket = new TcpClient();
        await socket.ConnectAsync(address.Host, address.Port, ProtocolModels.Cancellation);
        await using var stream = socket.GetStream();
        var many = string.Concat(Enumerable.Range(0, size).Select(i => $"X-{i}: 1\r\n"));
        await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Format(
            System.Globalization.CultureInfo.InvariantCulture, request, new string('a', size), many)), ProtocolModels.Cancellation);

        var answer = new byte[64];
        var read = await stream.ReadAtLeastAsync(answer, 12, throwOnEndOfStream: false, ProtocolModels.Cancellation);

        Assert.StartsWith($"HTTP/1.1 {status}", Encoding.ASCII.GetString(answer, 0, read), StringComparison.Ordinal);
    }
}
