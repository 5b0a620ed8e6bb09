using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Worker.Direct;

/// <summary>
/// The way back of what came by direct connections. A session that has ended gets nothing: its replica knows, and sends again.
/// </summary>
internal static class DirectAnswers
{
    /// <summary>Answers requests; those without an answer among the replies are only let go.</summary>
    public static void Send(List<DirectRequest> requests, Replies replies)
    {
        // Room first: who has its answer may send the next request at once.
        Release(requests);
        for (var i = 0; i < replies.Messages.Count; i++)
        {
            var (replica, message) = replies.Messages[i];
            SessionOf(requests, replica)?.Send(FrameType.Replies, message.Written.Span, atOnce: true);
        }

        foreach (var request in replies.Large.Count > 0 ? requests : [])
        {
            if (replies.Large.TryGetValue(request.Request.Id, out var answer))
            {
                request.Session.SendLarge(request.Request, answer);
            }
        }
    }

    /// <param name="failure">Why its run failed; null where it was not begun.</param>
    public static void Return(DirectRequest request, string? failure)
    {
        Release([request]);
        request.Session.Send(FrameType.Returned, DirectMessages.Encode(new DirectReturn(request.Request.Id, failure)));
    }

    private static void Release(List<DirectRequest> requests)
    {
        foreach (var request in requests)
        {
            request.Session.Forget(request);
            request.Intake.Release(request);
        }
    }

    private static DirectSession? SessionOf(List<DirectRequest> requests, string name)
    {
        foreach (var request in requests)
        {
            if (request.Session.Name == name)
            {
                return request.Session;
            }
        }

        return null;
    }
}
