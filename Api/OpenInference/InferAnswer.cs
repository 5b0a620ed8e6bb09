using System.Buffers;
using System.Globalization;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Store;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>Sends the answer of an inference: JSON, or JSON with the outputs that were asked for so as raw bytes behind it.</summary>
internal static class InferAnswer
{
    public static async Task WriteAsync(HttpContext context, ModelVersion version, InferBody body, InferenceReply reply)
    {
        using var json = new PooledBuffer();
        InferResponseWriter.Write(json, version.Model, version.Version, body.Id, reply, body.Forms);

        // The length is known, so the answer needs no chunks.
        var response = context.Response;
        response.ContentLength = json.WrittenCount;
        response.ContentType = "application/json";
        var binary = reply.Outputs.Where(o => body.Forms.IsBinary(o.Name)).ToList();
        if (binary.Count > 0)
        {
            response.ContentType = "application/octet-stream";
            response.ContentLength += binary.Sum(o => (long)o.Data.Length);
            response.Headers[InferRequest.HeaderLength] = json.WrittenCount.ToString(CultureInfo.InvariantCulture);
        }

        response.BodyWriter.Write(json.WrittenSpan);
        foreach (var output in binary)
        {
            response.BodyWriter.Write(output.Data.Span);
        }

        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }
}
