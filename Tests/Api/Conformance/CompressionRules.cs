using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace InferenceTemplate.Tests.Api.Conformance;

[Collection(nameof(ProtocolModels))]
public sealed class CompressionRules(ProtocolModels models)
{
    private const string Request = """{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1.5,2]}]}""";

    private string Path => $"/v2/models/{models.Of("FP32")}/infer";

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("GZIP", "gzip")]
    [InlineData("deflate", "deflate")]
    [InlineData("br", "br")]
    [InlineData("identity", "")]
    public async Task Request_may_be_compressed(string header, string coding)
    {
        var answer = await models.PostAsync(
            Path, Compress(Encoding.UTF8.GetBytes(Request), coding), ("Content-Encoding", header)).OkAsync();

        Assert.Equal([1.5f, 2], answer.Output("y").Data<float>());
    }

    [Fact]
    public async Task Header_length_counts_what_is_decompressed()
    {
        var json = Encoding.UTF8.GetBytes(
            """{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}""");

        var answer = await models.PostAsync(
            Path, Compress([.. json, 0, 0, 0x80, 0x3F], "gzip"), ("Content-Encoding", "gzip"),
            ("Inference-Header-Content-Length", $"{json.Length}")).OkAsync();

        Assert.Equal([1], answer.Output("y").Data<float>());
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("gzip, gzip")]
    [InlineData("nonsense")]
    public async Task Encoding_that_is_not_known_is_answered_415(string header)
    {
        using var response = await models.PostAsync(Path, Encoding.UTF8.GetBytes(Request), ("Content-Encoding", header));

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Contains($"'{header}' is not supported", await response.ErrorAsync(), StringComparison.Ordinal);
        Assert.Equal("gzip, deflate, br", string.Join(", ", response.Headers.GetValues("Accept-Encoding")));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task Body_that_is_not_compressed_as_it_says_is_refused(string coding) =>
        await models.PostAsync(Path, Encoding.UTF8.GetBytes(Request), ("Content-Encoding", coding))
            .RefusedAsync(HttpStatusCode.BadRequest, $"the body is not {coding}");

    [Fact]
    public async Task Body_that_needs_a_dictionary_is_refused() =>
        await models.PostAsync(Path, [0x78, 0xBB, 1, 2, 3, 4, .. Compress(Encoding.UTF8.GetBytes(Request), "deflate")[2..]],
            ("Content-Encoding", "deflate")).RefusedAsync(HttpStatusCode.BadRequest, "the body is not deflate, as Content-Encoding says");

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task Body_that_grows_beyond_the_limit_is_refused(string coding)
    {
        // 33 MiB of spaces are some kilobytes.
        var bomb = Compress(Encoding.UTF8.GetBytes(Request.PadRight(33 * 1024 * 1024)), coding);

        await models.PostAsync(Path, bomb, ("Content-Encoding", coding))
            .RefusedAsync(HttpStatusCode.RequestEntityTooLarge, "larger than 33554432 bytes once decompressed");
    }

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("br, gzip;q=0.5", true)]
    [InlineData("gzip;q=0", false)]
    [InlineData("br", false)]
    [InlineData(null, false)]
    public async Task Answer_is_compressed_where_the_caller_asks_for_it(string? accept, bool compressed)
    {
        var request = Encoding.UTF8.GetBytes(
            $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[4096],"data":[{{string.Join(',', Enumerable.Repeat("0.25", 4096))}}]}]}""");

        using var response = await models.PostAsync(Path, request, accept is null ? [] : [("Accept-Encoding", accept)]);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = await response.Content.ReadAsByteArrayAsync(ProtocolModels.Cancellation);
        if (compressed)
        {
            Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
            Assert.Equal(["Accept-Encoding"], response.Headers.Vary);
            using var gzip = new GZipStream(new MemoryStream(body), CompressionMode.Decompress);
            using var plain = new MemoryStream();
            await gzip.CopyToAsync(plain, ProtocolModels.Cancellation);
            Assert.True(body.Length < plain.Length / 4);
            body = plain.ToArray();
        }
        else
        {
            Assert.Empty(response.Content.Headers.ContentEncoding);
        }

        Assert.Equal(4096, JsonElement.Parse(body).Output("y").Data<float>().Length);
    }

    private static byte[] Compress(byte[] bytes, string coding)
    {
        using var target = new MemoryStream();
        using (Stream stream = coding switch
        {
            "gzip" => new GZipStream(target, CompressionMode.Compress, leaveOpen: true),
            "deflate" => new ZLibStream(target, CompressionMode.Compress, leaveOpen: true),
            "br" => new BrotliStream(target, CompressionMode.Compress, leaveOpen: true),
            _ => target,
        })
        {
            stream.Write(bytes);
            if (stream == target)
            {
                return target.ToArray();
            }
        }

        return target.ToArray();
    }
}
