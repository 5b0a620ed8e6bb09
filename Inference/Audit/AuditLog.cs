using System.Threading.Channels;

namespace InferenceTemplate.Inference.Audit;

/// <summary>Takes down what happened without making anybody wait for it.</summary>
public sealed class AuditLog
{
    private readonly Channel<AuditEvent> _events = Channel.CreateUnbounded<AuditEvent>();

    public void Record(AuditEvent happened) => _events.Writer.TryWrite(happened);
}
