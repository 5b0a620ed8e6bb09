using System.IO.Pipelines;
using System.Text;
using InferenceTemplate.Api.BatchJobs;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class JsonLinesTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("a", "1:a")]
    [InlineData("a\n", "1:a")]
    [InlineData("a\nb", "1:a 2:b")]
    [InlineData("a\r\n\n \t\r\nb\n", "1:a\r 4:b")]
    [InlineData("12345678\n123456789\nx", "1:12345678 2:- 3:x")]
    [InlineData("123456789012345678901234567890\nx\n", "1:- 2:x")]
    [InlineData("x\n123456789012345678901234567890", "1:x 2:-")]
    public async Task Body_is_split_into_lines_wherever_it_is_cut(string body, string expected)
    {
        for (var part = 1; part <= Math.Max(1, body.Length); part++)
        {
            var lines = await ReadAsync(body, part, maxLineBytes: 8, maxBytes: 1_000);

            Assert.Equal(
                expected, string.Join(' ', lines.Select(l => $"{l.Number}:{(l.Bytes is null ? "-" : Encoding.UTF8.GetString(l.Bytes))}")));
        }
    }

    [Theory]
    [InlineData("123\n456\n", 8, true)]
    [InlineData("123\n456\n7", 8, false)]
    [InlineData("123456789", 8, false)]
    public async Task Body_that_is_too_long_is_refused_wherever_it_is_cut(string body, long maxBytes, bool fits)
    {
        for (var part = 1; part <= body.Length; part++)
        {
            var refused = await Record.ExceptionAsync(() => ReadAsync(body, part, maxLineBytes: 8, maxBytes));

            Assert.Equal(fits, refused is null);
            Assert.True(refused is null or BatchTooLargeException, $"{refused}");
        }
    }

    private static async Task<List<JsonLine>> ReadAsync(string body, int part, int maxLineBytes, long maxBytes)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var lines = new JsonLines(pipe.Reader, maxLineBytes, maxBytes);
        var writing = Task.Run(async () =>
        {
            foreach (var chunk in Encoding.UTF8.GetBytes(body).Chunk(part))
            {
                await pipe.Writer.WriteAsync(chunk);
            }

            await pipe.Writer.CompleteAsync();
        });
        var all = new List<JsonLine>();
        while (await lines.NextAsync(CancellationToken.None) is { } next)
        {
            all.AddRange(next);
        }

        await writing;
        return all;
    }
}
