using System.Net;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

[CollectionDefinition(nameof(ProtocolModels))]
public sealed class ProtocolModelsCollection : ICollectionFixture<ProtocolModels>;

/// <summary>
/// Models that give back what they get, uploaded to the platform, and calls of them. The tests beside this are named after the rules of the
/// Open Inference Protocol v2 and of its extensions, as Triton and KServe have them.
/// </summary>
public sealed class ProtocolModels(Platform platform) : IAsyncLifetime
{
    /// <summary>Datatypes of the protocol and their numbers in ONNX.</summary>
    public static readonly (string Datatype, int Onnx)[] Datatypes =
    [
        ("BOOL", 9), ("UINT8", 2), ("UINT16", 4), ("UINT32", 12), ("UINT64", 13), ("INT8", 3), ("INT16", 5), ("INT32", 6), ("INT64", 7),
        ("FP16", 10), ("FP32", 1), ("FP64", 11), ("BF16", 16), ("BYTES", 8),
    ];

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Platform Platform => platform;

    /// <summary>One model for each datatype: <c>x</c> of any length to <c>y</c>.</summary>
    public string Of(string datatype) => $"{Prefix}-{datatype.ToLowerInvariant()}";

    /// <summary>FP32 <c>x</c> [-1,2] to <c>y</c>, BYTES <c>s</c> [-1] to <c>t</c>.</summary>
    public string Pair => $"{Prefix}-pair";

    /// <summary>FP32 <c>x</c> of any rank to <c>y</c>.</summary>
    public string Unranked => $"{Prefix}-unranked";

    /// <summary>FP32 <c>x</c> [-1,2] and the optional <c>shift</c> [2] to their sum <c>y</c>; 10 stands for what is left out.</summary>
    public string Shifted => $"{Prefix}-shifted";

    public HttpClient Client { get; } = platform.Admin();

    private string Prefix { get; } = $"oip-{Guid.NewGuid():N}"[..12];

    public async ValueTask InitializeAsync()
    {
        var pair = new OnnxModel()
            .Input("x", OnnxModel.Float, -1, 2).Input("s", OnnxModel.Text, -1)
            .Output("y", OnnxModel.Float, -1, 2).Output("t", OnnxModel.Text, -1)
            .Node("Identity", ["x"], ["y"]).Node("Identity", ["s"], ["t"]);
        var unranked = new OnnxModel()
            .UnrankedInput("x", OnnxModel.Float).UnrankedOutput("y", OnnxModel.Float).Node("Identity", ["x"], ["y"]);
        var shifted = new OnnxModel()
            .Input("x", OnnxModel.Float, -1, 2).OptionalInput("shift", [10, 10], 2).Output("y", OnnxModel.Float, -1, 2)
            .Node("Add", ["x", "shift"], ["y"]);
        await Task.WhenAll([
            UploadAsync(Shifted, shifted.ToBytes()),
            UploadAsync(Pair, pair.ToBytes()),
            UploadAsync(Unranked, unranked.ToBytes()),
            .. Datatypes.Select(d => UploadAsync(Of(d.Datatype), Identity(d.Onnx))),
        ]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var model in Datatypes.Select(d => Of(d.Datatype)).Append(Pair).Append(Unranked).Append(Shifted))
        {
            using var response = await Client.DeleteAsync($"/v1/models/{model}", CancellationToken.None);
        }

        Client.Dispose();
    }

    public static byte[] Identity(int type) =>
        new OnnxModel().Input("x", type, -1).Output("y", type, -1).Node("Identity", ["x"], ["y"]).ToBytes();

    /// <summary>Uploads a version and waits until every Api replica serves it.</summary>
    public async Task UploadAsync(string model, byte[] file)
    {
        using var content = new ByteArrayContent(file);
        content.Headers.ContentType = new("application/octet-stream");
        using var uploaded = await Client.PostAsync($"/v1/models/{model}/versions", content, CancellationToken.None);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        var version = uploaded.Headers.Location!.ToString().Split('/')[^1];
        await KnownAsync($"/v2/models/{model}/versions/{version}");
    }

    /// <summary>Waits until a path answers 200, and as is wanted, on each replica.</summary>
    public Task KnownAsync(string path, Func<JsonElement, bool>? condition = null) => Client.OnEachReplicaAsync(
        () => new HttpRequestMessage(HttpMethod.Get, path),
        async response => response.IsSuccessStatusCode && (condition is null || condition(await response.JsonAsync())));

    public Task<HttpResponseMessage> InferAsync(string model, string json, params (string Name, string Value)[] headers) =>
        PostAsync($"/v2/models/{model}/infer", Encoding.UTF8.GetBytes(json), [("Content-Type", "application/json"), .. headers]);

    /// <summary>JSON with raw tensors behind it.</summary>
    public Task<HttpResponseMessage> InferRawAsync(string model, string json, byte[] tensors)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        return PostAsync(
            $"/v2/models/{model}/infer", [.. bytes, .. tensors],
            ("Content-Type", "application/octet-stream"), ("Inference-Header-Content-Length", $"{bytes.Length}"));
    }

    public async Task<HttpResponseMessage> PostAsync(string path, byte[] body, params (string Name, string Value)[] headers)
    {
        using var request = Post(path, body, headers);
        return await Client.SendAsync(request, Cancellation);
    }

    public static HttpRequestMessage Post(string path, byte[] body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        foreach (var (name, value) in headers)
        {
            Assert.True(
                request.Headers.TryAddWithoutValidation(name, value) || request.Content.Headers.TryAddWithoutValidation(name, value));
        }

        return request;
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using var response = await Client.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }
}

internal static class ProtocolAnswers
{
    public static async Task<JsonElement> OkAsync(this Task<HttpResponseMessage> call)
    {
        using var response = await call;
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(ProtocolModels.Cancellation));
        return await response.JsonAsync();
    }

    public static async Task RefusedAsync(this Task<HttpResponseMessage> call, HttpStatusCode status, string reason)
    {
        using var response = await call;
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains(reason, await response.ErrorAsync(), StringComparison.Ordinal);
    }

    /// <summary>The JSON of an answer, and the bytes behind it by the name of the output.</summary>
    public static async Task<(JsonElement Json, Dictionary<string, byte[]> Raw)> RawAsync(this Task<HttpResponseMessage> call)
    {
        using var response = await call;
        var body = await response.Content.ReadAsByteArrayAsync(ProtocolModels.Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, Encoding.UTF8.GetString(body));
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(body.Length, response.Content.Headers.ContentLength);
        var at = int.Parse(Assert.Single(response.Headers.GetValues("Inference-Header-Content-Length")),
            System.Globalization.CultureInfo.InvariantCulture);
        var json = JsonElement.Parse(body.AsSpan(0, at));
        var raw = new Dictionary<string, byte[]>();
        foreach (var output in json.GetProperty("outputs").EnumerateArray())
        {
            if (output.TryGetProperty("parameters", out var parameters))
            {
                Assert.False(output.TryGetProperty("data", out _));
                var size = parameters.GetProperty("binary_data_size").GetInt32();
                raw[output.GetProperty("name").GetString()!] = body[at..(at + size)];
                at += size;
            }
        }

        Assert.Equal(body.Length, at);
        return (json, raw);
    }
}
