using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Tests.Api.Conformance;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>A model that takes images, from its upload to the names of its classes, by each way in.</summary>
public sealed class ImageTests(Platform platform, ImageClassifier model) : IClassFixture<ImageClassifier>
{
    // Two pixels: (250, 20, 10) and (250, 60, 50); (0, 51, 255) and (0, 102, 255).
    private const string Red = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR42mP4JcL1y8YIAAoHAoGBBdypAAAAAElFTkSuQmCC";
    private const string Blue = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR42mNgMP7PkPYfAAbNApjx3hQ3AAAAAElFTkSuQmCC";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Metadata_shows_files_as_the_input_and_the_overview_that_they_are_images()
    {
        using var client = platform.Admin();
        using var response = await client.GetAsync($"/v2/models/{model.Name}", Cancellation);

        var metadata = await response.JsonAsync();

        var input = Assert.Single(metadata.GetProperty("inputs").EnumerateArray());
        Assert.Equal(
            ("image", "BYTES", "[-1]"),
            (input.GetProperty("name").GetString(), input.GetProperty("datatype").GetString(), input.GetProperty("shape").GetRawText()));
        Assert.Equal("[-1,3]", metadata.GetProperty("outputs")[0].GetProperty("shape").GetRawText());

        Dictionary<string, string?> models = [];
        await Wait.UntilAsync(async () =>
        {
            using var overview = await client.GetAsync("/v1/overview", Cancellation);
            models = (await overview.JsonAsync()).GetProperty("models").EnumerateArray().ToDictionary(
                m => $"{m.GetProperty("name").GetString()}/{m.GetProperty("version").GetString()}",
                m => m.GetProperty("image_input").GetString());
            return models.ContainsKey($"{model.Name}/1");
        });
        Assert.Equal("image", models[$"{model.Name}/1"]);
        Assert.Null(models["digits/1"]);
    }

    [Fact]
    public async Task Base64_in_json_is_answered_by_scores_or_by_the_highest_classes_with_their_names()
    {
        using var client = platform.Admin();

        var scores = await InferAsync(client, Json([Red, Blue]));
        var classes = await InferAsync(
            client, Json([Red, Blue], """, "outputs": [{"name": "scores", "parameters": {"classification": 2}}]"""));

        Assert.Equal(
            [250 / 255f, 40 / 255f, 30 / 255f, 0, 76.5f / 255, 1], scores.Output("scores").Data<float>(), (a, b) => Math.Abs(a - b) < 1e-6);
        var output = classes.Output("scores");
        Assert.Equal(("BYTES", "[2,2]"), (output.GetProperty("datatype").GetString(), output.GetProperty("shape").GetRawText()));
        Assert.Equal(
            ["0:red", "1:green", "2:blue", "1:green"],
            output.Data<string>().Select(text => text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..]));
        Assert.StartsWith("1:2:", output.Data<string>()[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_itself_is_taken_as_the_body_and_as_a_raw_tensor_behind_json()
    {
        using var client = platform.Admin();
        var file = Convert.FromBase64String(Blue);
        using var alone = Raw(file, header: 0);
        var json = Encoding.UTF8.GetBytes(
            $$$"""
               {"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":{{{file.Length + 4}}}}}]}
               """);
        using var behind = Raw([.. json, .. BitConverter.GetBytes(file.Length), .. file], json.Length);

        using var raw = await client.PostAsync($"/v2/models/{model.Name}/infer", alone, Cancellation);
        var mixed = await InferAsync(client, behind);

        Assert.True(raw.IsSuccessStatusCode, await raw.Content.ReadAsStringAsync(Cancellation));
        var body = await raw.Content.ReadAsByteArrayAsync(Cancellation);
        AssertIsBlue(MemoryMarshal.Cast<byte, float>(body.AsSpan(body.Length - 12)).ToArray());
        AssertIsBlue(mixed.Output("scores").Data<float>());
    }

    [Fact]
    public async Task Grpc_takes_files_raw_and_typed_and_gives_classes()
    {
        using var grpc = new GrpcCalls(platform);
        var file = Convert.FromBase64String(Red);
        var typed = Message();
        typed.Inputs[0].Contents = new() { BytesContents = { ByteString.CopyFrom(file) } };
        var raw = Message();
        raw.RawInputContents.Add(ByteString.CopyFrom([.. BitConverter.GetBytes(file.Length), .. file]));

        foreach (var message in (ModelInferRequest[])[typed, raw])
        {
            var answer = await grpc.Client.ModelInferAsync(message, grpc.Headers, cancellationToken: Cancellation);
            Assert.Equal("BYTES", answer.Outputs[0].Datatype);
            Assert.EndsWith(":0:red", answer.RawOutputContents[0].ToStringUtf8(), StringComparison.Ordinal);
        }

        typed.Inputs[0].Contents.BytesContents[0] = ByteString.CopyFrom(file[..50]);
        var refused = await Assert.ThrowsAsync<RpcException>(
            async () => await grpc.Client.ModelInferAsync(typed, grpc.Headers, cancellationToken: Cancellation));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains("image 0 of input 'image' can't be decoded", refused.Status.Detail, StringComparison.Ordinal);

        ModelInferRequest Message()
        {
            var output = new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "scores" };
            output.Parameters["classification"] = new() { Int64Param = 1 };
            return new()
            {
                ModelName = model.Name,
                Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = "image", Datatype = "BYTES", Shape = { 1 } } },
                Outputs = { output },
            };
        }
    }

    [Theory]
    [InlineData("a cat", "image 1 of input 'image' is neither a JPEG nor a PNG, nor the base64 of one")]
    [InlineData("R0lGODlhAQABAAAAACw=", "image 1 of input 'image' is neither a JPEG nor a PNG")]
    [InlineData("iVBORw0KGgoAAAANSUhEUgAAw1AAAMNQ", "image 1 of input 'image' can't be decoded: its header")]
    public async Task What_is_no_image_is_the_callers_mistake(string data, string reason)
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync($"/v2/models/{model.Name}/infer", Json([Red, data]), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(reason, await response.ErrorAsync(), StringComparison.Ordinal);
    }

    private static void AssertIsBlue(float[] scores) => Assert.Equal([0, 76.5f / 255, 1], scores, (a, b) => Math.Abs(a - b) < 1e-6);

    private static StringContent Json(string[] images, string rest = "") => Digits.Json(
        $$"""
          {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [{{images.Length}}],
                       "data": {{JsonSerializer.Serialize(images)}}}]{{rest}}}
          """);

    private static ByteArrayContent Raw(byte[] body, int header)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.Add("Inference-Header-Content-Length", $"{header}");
        return content;
    }

    private async Task<JsonElement> InferAsync(HttpClient client, HttpContent content)
    {
        using var response = await client.PostAsync($"/v2/models/{model.Name}/infer", content, Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(Cancellation));
        return await response.JsonAsync();
    }
}

/// <summary>A model that answers how red, green and blue an image is, uploaded with the names of these and ready.</summary>
public sealed class ImageClassifier(Platform platform) : IAsyncLifetime
{
    public string Name { get; } = $"colors-{Guid.NewGuid():N}";

    public async ValueTask InitializeAsync()
    {
        var colors = new OnnxModel()
            .Input("image", OnnxModel.Float, -1, 3, 1, 2).Output("scores", OnnxModel.Float, -1, 3)
            .Node("GlobalAveragePool", ["image"], ["pooled"]).Node("Flatten", ["pooled"], ["scores"]);
        using var admin = platform.Admin();
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(colors.ToBytes()), "file", "model.onnx" },
            {
                new ByteArrayContent("""{"layout": "nchw", "width": 2, "height": 1, "resize": "stretch"}"""u8.ToArray()), "file",
                "image.json"
            },
            { new ByteArrayContent("red\ngreen\nblue\n"u8.ToArray()), "file", "labels.txt" },
        };

        using var uploaded = await admin.PostAsync($"/v1/models/{Name}/versions", form);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        var version = default(JsonElement);
        await Wait.UntilAsync(async () =>
        {
            using var response = await admin.GetAsync($"/v1/models/{Name}/versions/1");
            version = await response.JsonAsync();
            return version.GetProperty("state").GetString() != "pending";
        });
        Assert.True(version.GetProperty("state").GetString() == "ready", version.GetRawText());

        await admin.KnownAsync(Name);
    }

    public async ValueTask DisposeAsync()
    {
        using var admin = platform.Admin();
        using var deleted = await admin.DeleteAsync($"/v1/models/{Name}");
    }
}
