using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Batching;
using InferenceTemplate.Tests.Worker.Direct;

namespace InferenceTemplate.Tests.Worker.Text;

/// <summary>What a text that can't be embedded costs those whose run it would have shared.</summary>
public sealed class RefusedTextTests(Servers servers)
{
    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Requests_with_such_texts_are_answered_alone_and_the_others_still_share_one_run(Way way)
    {
        using var text = TextModel.Small();
        await using var model = await ServedModel.CreateAsync(servers, text.Open($"m{Guid.NewGuid():N}"), way: way);
        string[][] requests = [["a"], ["b", ""], ["b"], ["a a a a a a a"], ["a", "b"]];
        var sent = new List<Task<InferenceReply>>();
        foreach (var request in requests)
        {
            sent.Add((await model.SendAsync(TextModel.Request(request)[0])).Reply);
        }

        _ = model.Serve();
        var replies = await Task.WhenAll(sent);

        Assert.Equal([1, 3], replies.Index().Where(r => r.Item.Outcome == ReplyOutcome.Refused).Select(r => r.Index));
        Assert.StartsWith("text 1 of input 'text' is empty", replies[1].Error, StringComparison.Ordinal);
        Assert.StartsWith("text 0 of input 'text' has more than 8 tokens", replies[3].Error, StringComparison.Ordinal);
        Assert.Equal(3, replies.Count(r => r.Outcome == ReplyOutcome.Completed));
        Assert.Equal([4 / 3f, 0, 0, 8 / 3f], ServedModel.Floats(replies[4]), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([4], model.Batches);
    }

    [Fact]
    public async Task Run_with_such_texts_alone_is_none()
    {
        using var text = TextModel.Small();
        await using var model = await ServedModel.CreateAsync(servers, text.Open($"m{Guid.NewGuid():N}"));
        var (_, reply) = await model.SendAsync(TextModel.Request("")[0]);

        _ = model.Serve();

        Assert.Equal(ReplyOutcome.Refused, (await reply).Outcome);
        Assert.Empty(model.Batches);
        Assert.True(model.IsTrusted);
    }
}
