using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Inference;

/// <summary>Sends the answer of an inference: JSON, or JSON with the outputs that were asked for so as raw bytes behind it.</summary>
internal static class InferAnswer
{
    // Less would cost more time than it saves on any network.
    private const int LeastToCompress = 1024;

    public static Task WriteAsync(HttpContext context, ModelVersion version, InferBody body, InferenceReply reply, AnswerParameters parameters) =>
        WriteAsync(context, version.Model, version.Version, body.Id, body.Forms, reply, parameters);

    public static async Task WriteAsync(
        HttpContext context, string model, string version, string? id, OutputForms forms, InferenceReply reply, AnswerParameters parameters)
    {
        using var json = new PooledBuffer();
        InferResponseWriter.Write(json, model, version, id, reply, parameters, forms);

        var response = context.Response;
        var raw = forms == OutputForms.Json ? [] : reply.Outputs.Where(o => forms.IsBinary(o.Name)).ToArray();
        response.ContentType = "application/json";
        if (raw.Length > 0)
        {
            response.ContentType = "application/octet-stream";
            response.Headers[InferRequest.HeaderLength] = json.WrittenCount.ToString(CultureInfo.InvariantCulture);
        }

        var length = json.WrittenCount + raw.Sum(o => (long)o.Data.Length);
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
}
