using System.Text;
using System.Threading.Channels;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// The parts of one answer's text on their way to its caller. Where a single one has come the request is not sent again, since another run
/// may draw other tokens.
/// </summary>
internal sealed class AnswerParts
{
    private readonly Channel<string> _parts = Channel.CreateUnbounded<string>(new() { SingleReader = true });
    private int _bytes;
    private volatile int _count;

    /// <summary>The version that is asked for them: the caller's, or its fallback.</summary>
    public ModelVersion? Version { get; set; }

    /// <summary>How the caller's tenant stands; null until it is admitted, and where nothing is counted.</summary>
    public TenantStanding? Standing { get; set; }

    public ChannelReader<string> Reader => _parts.Reader;

    public bool HasBegun => _count > 0;

    /// <summary>Parts that have come.</summary>
    public int Count => _count;

    /// <summary>Called on the reader of a connection. What can't be the next part ends the answer for its caller.</summary>
    public void Add(DirectPart part)
    {
        _count++;
        if (part.Start != _bytes)
        {
            _parts.Writer.TryComplete(new InvalidDataException(
                $"A part of an answer begins at byte {part.Start}; {_bytes} was expected."));
            return;
        }

        _bytes += part.Text.Length;
        _parts.Writer.TryWrite(Encoding.UTF8.GetString(part.Text.Span));
    }

    /// <summary>No more will come.</summary>
    public void Complete() => _parts.Writer.TryComplete();
}
