using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit;

public sealed class RepliesTests
{
    private const string Worker = "w";

    [Fact]
    public void Answers_of_a_run_share_messages_that_stay_within_the_bound()
    {
        var replies = new Replies();
        List<Guid> ids = [.. Enumerable.Range(0, 100).Select(i => Add(replies, 10_000, i % 2 == 0 ? "a" : "b"))];

        // Six answers to a message, the last of each replica's nine having what is left.
        Assert.Equal(18, replies.Messages.Count);
        Assert.All(replies.Messages, m => Assert.InRange(m.Message.Written.Length, 1, Replies.MaxMessageBytes));
        Assert.Equal(ids.Order(), replies.Messages.SelectMany(m => Ids(m.Message)).Order());
        Assert.All(replies.Messages, m => Assert.All(Ids(m.Message), id => Assert.Equal(m.Replica == "a", ids.IndexOf(id) % 2 == 0)));
        Assert.Empty(replies.Large);
    }

    [Fact]
    public void Answer_that_no_message_holds_is_by_itself_and_holds_up_no_other()
    {
        var replies = new Replies();
        var (before, large, after) = (Add(replies, 100, "a"), Add(replies, 1_000_000, "a"), Add(replies, 100, "a"));

        Assert.Equal([before, after], Ids(Assert.Single(replies.Messages).Message));
        Assert.Equal([large], Ids(Assert.Single(replies.Large).Value));
    }

    [Fact]
    public void Job_has_its_answer_to_itself_and_in_no_message()
    {
        var replies = new Replies();
        var job = Add(replies, 100, "", RequestKind.Job);

        Assert.Empty(replies.Messages);
        Assert.Equal([job], Ids(replies.OfJob(job)));
    }

    [Fact]
    public void Replies_that_were_sent_are_empty_when_they_are_taken_again()
    {
        var sent = Replies.Take();
        List<Guid> before = [Add(sent, 100, "a"), Add(sent, 100, "b"), Add(sent, 1_000_000, "a"), Add(sent, 100, "", RequestKind.Job)];
        sent.Recycle();

        var replies = Replies.Take();
        Assert.Same(sent, replies);
        Assert.NotSame(replies, Replies.Take());
        Assert.Empty(replies.Messages);
        Assert.Empty(replies.Large);
        var after = Add(replies, 20, "c");

        Assert.Equal([after], Ids(Assert.Single(replies.Messages).Message));
        Assert.DoesNotContain(after, before);
    }

    [Fact]
    public void Size_of_a_refusal_counts_its_words()
    {
        var replies = new Replies();
        var request = Request("a");
        replies.Refuse(request, ReplyOutcome.Failed, "größer", request.EnqueuedAt, Worker);

        var written = Assert.Single(replies.Messages).Message.Written;
        Assert.Equal(ReplyBatch.HeaderSize + ReplyBatch.AnswerSize(Worker, "größer"), written.Length);
        Assert.Equal("größer", Assert.Single(ReplyBatch.Read(written)).Error);
    }

    private static Guid Add(Replies replies, int bytes, string replica, RequestKind kind = RequestKind.Call)
    {
        var request = Request(replica, kind);
        var reply = replies.For(request, ReplyBatch.AnswerSize(Worker) + ReplyBatch.OutputSize("y", 1, bytes));
        reply.Add(request.Id, ReplyOutcome.Completed, null, default, default, 1, Worker, outputs: 1);
        reply.AddOutput("y", Datatype.Uint8, [bytes], new byte[bytes]);
        return request.Id;
    }

    private static IEnumerable<Guid> Ids(ReplyBatch message) => ReplyBatch.Read(message.Written).Select(r => r.Id);

    private static InferenceRequest Request(string replica, RequestKind kind = RequestKind.Call) => new(
        Guid.NewGuid(), "m", "1", "t", kind, Priority.Normal, replica, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddSeconds(1),
        null, null, [], []);
}
