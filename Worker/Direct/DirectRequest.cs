using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Worker.Direct;

/// <summary>
/// A request that came by a direct connection. It is in no queue that would give it out again: its replica sends it again.
/// </summary>
internal sealed class DirectRequest(DirectSession session, DirectIntake intake, InferenceRequest request, int bytes)
    : QueuedRequest("", request, deliveries: 1, bytes)
{
    public DirectSession Session => session;

    public DirectIntake Intake => intake;
}
