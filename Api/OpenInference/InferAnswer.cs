using System.Buffers;
using System.Globalization;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Store;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>Sends the answer of an inference: JSON, or JSON with the outputs that were asked for so as raw bytes behind it.</summary>
internal static class InferAnswer
{
    public static Task WriteAsync(HttpContext context, ModelVersion version, InferBody body, InferenceReply reply, AnswerParameters parameters) =>
        WriteAsync(context, version.Model, version.Version, body.Id, body.Forms, reply, parameters);

    /// <param name="parameters">Null where nothing is known of the run any more.</param>
    public static async Task WriteAsync(
        HttpContext context, string model, string version, string? id, OutputForms forms, InferenceReply reply, AnswerParameters? parameters)
    {
        using var json = new PooledBuffer();
        InferResponseWriter.Write(json, model, version, id, reply, parameters, forms);

        // The length is known, so the answer needs no chunks.
        var response = context.Response;
        response.ContentLength = json.WrittenCount;
        response.ContentType = "application/json";
        response.BodyWriter.Write(json.WrittenSpan);
        if (forms != OutputForms.Json)
        {
            WriteRaw(response, forms, reply, json.WrittenCount);
        }

        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    // What is written goes out with the flush, headers first: they may still change.
    private static void WriteRaw(HttpResponse response, OutputForms forms, InferenceReply reply, int jsonLength)
    {
        foreach (var output in reply.Outputs.Where(o => forms.IsBinary(o.Name)))
        {
            response.ContentType = "application/octet-stream";
            response.ContentLength += output.Data.Length;
            response.Headers[InferRequest.HeaderLength] = jsonLength.ToString(CultureInfo.InvariantCulture);
            response.BodyWriter.Write(output.Data.Span);
        }
    }
}
