using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.IO.Pipelines;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Inference;

/// <summary>Sends the answer of an inference: JSON, or JSON with the outputs that were asked for so as raw bytes behind it.</summary>
internal static class InferAnswer
{
    // Less would cost more time than it saves on any network.
    private const int LeastToCompress = 1024;

    // Tensors up to here are written whole before anything goes out, so that the answer's length can be told.
    private const int MostHeld = 256 << 10;

    private const int RawPieceBytes = 64 << 10;

    public static Task WriteAsync(
        HttpContext context, ModelVersion version, InferBody body, InferenceReply reply, AnswerParameters parameters) =>
        WriteAsync(context, version.Model, version.Version, body.Id, body.Forms, reply, parameters);

    public static async Task WriteAsync(
        HttpContext context, string model, string version, string? id, OutputForms forms, InferenceReply reply, AnswerParameters parameters)
    {
        if (Bytes(reply.Outputs) > MostHeld)
        {
            await StreamAsync(context, model, version, id, forms, reply, parameters);
            return;
        }

        using var json = new PooledBuffer();
        InferResponseWriter.Write(json, model, version, id, reply, parameters, forms);

        var response = context.Response;
        var raw = Raw(reply, forms);
        response.ContentType = "application/json";
        if (raw.Length > 0)
        {
            response.ContentType = "application/octet-stream";
            response.Headers[InferRequest.HeaderLength] = json.WrittenCount.ToString(CultureInfo.InvariantCulture);
        }

        var length = json.WrittenCount + Bytes(raw);
        if (length >= LeastToCompress && ContentCoding.IsGzipAccepted(context.Request))
        {
            await CompressAsync(context, json, raw);
            return;
        }

        // The length is known, so the answer needs no chunks.
        response.ContentLength = length;
        response.BodyWriter.Write(json.WrittenSpan);
        foreach (var output in raw)
        {
            response.BodyWriter.Write(output.Data.Span);
        }

        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    // The outputs that go behind the JSON.
    private static Tensor[] Raw(InferenceReply reply, OutputForms forms)
    {
        var count = 0;
        foreach (var output in reply.Outputs)
        {
            count += forms.IsBinary(output.Name) ? 1 : 0;
        }

        if (count == 0 || count == reply.Outputs.Length)
        {
            return count == 0 ? [] : reply.Outputs;
        }

        var (raw, at) = (new Tensor[count], 0);
        foreach (var output in reply.Outputs)
        {
            if (forms.IsBinary(output.Name))
            {
                raw[at++] = output;
            }
        }

        return raw;
    }

    private static long Bytes(Tensor[] tensors)
    {
        var bytes = 0L;
        foreach (var tensor in tensors)
        {
            bytes += tensor.Data.Length;
        }

        return bytes;
    }

    private static async Task CompressAsync(HttpContext context, PooledBuffer json, Tensor[] raw)
    {
        context.Response.Headers.ContentEncoding = ContentCoding.Gzip;
        context.Response.Headers.Append("Vary", "Accept-Encoding");
        await using var gzip = new GZipStream(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true);
        await gzip.WriteAsync(json.WrittenMemory, context.RequestAborted);
        foreach (var output in raw)
        {
            await gzip.WriteAsync(output.Data, context.RequestAborted);
        }
    }

    // The answer goes out as it is written: neither its JSON nor a second copy of its tensors is ever held whole.
    private static async Task StreamAsync(
        HttpContext context, string model, string version, string? id, OutputForms forms, InferenceReply reply, AnswerParameters parameters)
    {
        IEnumerable<int> Pieces(IBufferWriter<byte> writer) =>
            InferResponseWriter.Pieces(writer, model, version, id, reply, parameters, forms);
        var response = context.Response;
        var raw = Raw(reply, forms);
        response.ContentType = "application/json";
        var compressed = ContentCoding.IsGzipAccepted(context.Request);
        if (raw.Length > 0)
        {
            var json = new CountedBytes();
            foreach (var _ in Pieces(json))
            {
                // The length of the JSON goes before it.
            }

            response.ContentType = "application/octet-stream";
            response.Headers[InferRequest.HeaderLength] = json.Count.ToString(CultureInfo.InvariantCulture);
            response.ContentLength = compressed ? null : json.Count + Bytes(raw);
        }

        if (!compressed)
        {
            await WriteAsync(response.BodyWriter, Pieces, raw, context.RequestAborted);
            return;
        }

        response.Headers.ContentEncoding = ContentCoding.Gzip;
        response.Headers.Append("Vary", "Accept-Encoding");
        await using var gzip = new GZipStream(response.Body, CompressionLevel.Fastest, leaveOpen: true);
        var writer = PipeWriter.Create(gzip, new StreamPipeWriterOptions(leaveOpen: true));
        await WriteAsync(writer, Pieces, raw, context.RequestAborted);
        await writer.CompleteAsync();
    }

    private static async Task WriteAsync(
        PipeWriter writer, Func<IBufferWriter<byte>, IEnumerable<int>> pieces, Tensor[] raw, CancellationToken cancellationToken)
    {
        foreach (var _ in pieces(writer))
        {
            if ((await writer.FlushAsync(cancellationToken)).IsCompleted)
            {
                return;
            }
        }

        foreach (var data in raw.Select(output => output.Data))
        {
            for (var at = 0; at < data.Length; at += RawPieceBytes)
            {
                if ((await writer.WriteAsync(data.Slice(at, Math.Min(RawPieceBytes, data.Length - at)), cancellationToken)).IsCompleted)
                {
                    return;
                }
            }
        }

        await writer.FlushAsync(cancellationToken);
    }
}
