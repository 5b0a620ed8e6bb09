namespace InferenceTemplate.Core.Queue;

/// <summary>A job on its way into its queue.</summary>
/// <param name="Encoded">The request, as <see cref="RequestCodec"/> writes it.</param>
public readonly record struct QueuedJob(InferenceRequest Request, byte[] Encoded)
{
    public QueueName Queue => new(Request.Model, Request.Version);
}
