using System.IO.Compression;
using System.Text;
using InferenceTemplate.Api.Inference;
using Microsoft.AspNetCore.Http;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class CutBodyTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task Compressed_body_that_is_cut_anywhere_is_refused(string coding)
    {
        var text = Encoding.UTF8.GetBytes("""{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}""");
        var whole = Compress(text, coding);

        using (var read = await ReadAsync(whole, coding))
        {
            Assert.Equal(text, read.Span.ToArray());
        }

        for (var length = 1; length < whole.Length; length++)
        {
            var cut = whole[..length];
            await Assert.ThrowsAsync<InvalidInferBodyException>(async () => (await ReadAsync(cut, coding)).Dispose());
        }
    }

    private static Task<RequestBody> ReadAsync(byte[] content, string coding)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.ContentEncoding = coding;
        context.Request.Body = new MemoryStream(content);
        return RequestBody.ReadAsync(context.Request, 1 << 20, Cancellation).AsTask();
    }

    private static byte[] Compress(byte[] content, string coding)
    {
        using var target = new MemoryStream();
        using (Stream stream = coding switch
        {
            "gzip" => new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true),
            "deflate" => new ZLibStream(target, CompressionLevel.Optimal, leaveOpen: true),
            _ => new BrotliStream(target, CompressionLevel.Optimal, leaveOpen: true),
        })
        {
            stream.Write(content);
        }

        return target.ToArray();
    }
}
