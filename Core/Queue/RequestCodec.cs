using System.Buffers;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Queue;

/// <summary>The binary form of a request in its stream entry.</summary>
public static class RequestCodec
{
    // Raised when the layout changes, with that of the frames; a worker refuses a version it does not know rather than misread it.
    private const byte FormatVersion = 1;

    public static byte[] Encode(InferenceRequest request)
    {
        var buffer = new ArrayBufferWriter<byte>(256 + request.Inputs.Sum(i => i.Data.Length + 64));
        Write(new WireWriter(buffer), request);
        return buffer.WrittenSpan.ToArray();
    }

    internal static void Write(WireWriter writer, InferenceRequest request)
    {
        writer.Byte(FormatVersion);
        writer.Id(request.Id);
        writer.String(request.Model);
        writer.String(request.Version);
        writer.String(request.TenantId);
        writer.Byte((byte)request.Kind);
        writer.Byte((byte)request.Priority);
        writer.String(request.ReplyTo);
        writer.Int64(request.EnqueuedAt.UtcTicks);
        writer.Int64(request.Deadline.UtcTicks);
        writer.String(request.TraceParent);
        writer.String(request.TraceState);
        writer.Int32(request.RequestedOutputs.Length);
        foreach (var output in request.RequestedOutputs)
        {
            writer.String(output);
        }

        writer.Int32(request.Inputs.Length);
        foreach (var input in request.Inputs)
        {
            writer.Tensor(input.Name, input.Datatype, input.Shape, input.Data);
        }

        // Behind what workers of older builds read.
        if (request.EarlierDeliveries > 0)
        {
            writer.Int32(request.EarlierDeliveries);
        }
    }

    /// <summary>Reads a request; its tensors are slices of <paramref name="message"/>.</summary>
    /// <param name="replyTo">Who gets the answer, whatever the message says; null for what it says.</param>
    /// <param name="traced">Whether anybody asks for its trace; else it has none.</param>
    /// <exception cref="InvalidDataException">The message is cut short, damaged or of another format version.</exception>
    public static InferenceRequest Decode(ReadOnlyMemory<byte> message, string? replyTo = null, bool traced = true)
    {
        var reader = new WireReader(message);
        var version = reader.Byte();
        if (version != FormatVersion)
        {
            throw new InvalidDataException($"A queue message has format version {version}; this process reads {FormatVersion}.");
        }

        var id = reader.Id();
        var model = reader.Name();
        var modelVersion = reader.Name();
        var tenant = reader.Name();
        var kind = reader.Enumeration<RequestKind>();
        var priority = reader.Enumeration<Priority>();
        var written = reader.Name();
        var enqueuedAt = reader.Time();
        var deadline = reader.Time();
        var traceParent = traced ? reader.String() : reader.Skip();
        var traceState = traced ? reader.String() : reader.Skip();
        var outputs = new string[reader.Count(WireReader.LeastString)];
        for (var i = 0; i < outputs.Length; i++)
        {
            outputs[i] = reader.Name();
        }

        var inputs = new Tensor[reader.Count(WireReader.LeastTensor)];
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = reader.Tensor();
        }

        return new InferenceRequest(
            id, model, modelVersion, tenant, kind, priority, replyTo ?? written, enqueuedAt, deadline, traceParent, traceState, outputs,
            inputs)
        {
            EarlierDeliveries = reader.AtEnd ? 0 : reader.Deliveries(),
        };
    }
}
