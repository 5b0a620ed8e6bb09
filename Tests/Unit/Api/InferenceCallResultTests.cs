using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class InferenceCallResultTests
{
    [Theory]
    [InlineData(ReplyOutcome.Completed, 200, true, false, null)]
    [InlineData(ReplyOutcome.Failed, 400, true, true, "model")]
    [InlineData(ReplyOutcome.Refused, 400, false, false, "invalid")]
    [InlineData(ReplyOutcome.TooLarge, 413, true, false, "response_too_large")]
    [InlineData(ReplyOutcome.Unavailable, 503, true, true, "unavailable")]
    [InlineData(ReplyOutcome.NotLoaded, 503, true, true, "unavailable")]
    public void Only_what_the_version_did_counts_for_or_against_it(
        ReplyOutcome outcome, int status, bool isOfModel, bool isFaultOfModel, string? kind)
    {
        var reply = new InferenceReply(Guid.NewGuid(), outcome, null, TimeSpan.Zero, TimeSpan.Zero, 0, "w", []);
        var result = new InferenceCallResult(status, null, reply);

        Assert.Equal((isOfModel, isFaultOfModel), (result.IsOfModel, result.IsFaultOfModel));
        Assert.Equal(kind, ErrorKinds.Of(status, reply));
    }
}
