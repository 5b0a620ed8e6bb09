using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace InferenceTemplate.Client;

/// <summary>An inference request of the Open Inference Protocol v2: its JSON, and the raw tensors behind it.</summary>
internal sealed class InferContent : HttpContent
{
    // Beyond it, whoever is refused hears of it before all is sent, and not by a connection that is closed meanwhile.
    private const int LargeBytes = 1 << 20;

    private readonly byte[] _json;
    private readonly IReadOnlyList<InferenceTensor> _inputs;

    private InferContent(byte[] json, IReadOnlyList<InferenceTensor> inputs)
    {
        _json = json;
        _inputs = inputs;
        Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
    }

    public static HttpRequestMessage Request(string model, IReadOnlyList<InferenceTensor> inputs, InferenceOptions options)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        InferenceOptions.Check(options);
        var content = new InferContent(Head(inputs, options), inputs);
        var request = new HttpRequestMessage(HttpMethod.Post, $"{ModelPath.Of("v2", model, options.Version)}/infer") { Content = content };
        request.Headers.Add(InferResponse.HeaderLength, content._json.Length.ToString(CultureInfo.InvariantCulture));
        request.Headers.ExpectContinue = content.Headers.ContentLength > LargeBytes;
        if (options.IdempotencyKey is { } key)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return request;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(_json, cancellationToken).ConfigureAwait(false);
        foreach (var input in _inputs)
        {
            await stream.WriteAsync(input.Data, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _json.Length + _inputs.Sum(input => (long)input.Data.Length);
        return true;
    }

    private static byte[] Head(IReadOnlyList<InferenceTensor> inputs, InferenceOptions options)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (options.RequestId is { } id)
            {
                json.WriteString("id"u8, id);
            }

            json.WriteStartObject("parameters"u8);
            json.WriteBoolean("binary_data_output"u8, true);
            if (options.Timeout is { } timeout)
            {
                json.WriteNumber("timeout"u8, (long)timeout.TotalMicroseconds);
            }

            if (options.Priority != InferencePriority.Default)
            {
                json.WriteNumber("priority"u8, (int)options.Priority);
            }

            json.WriteEndObject();
            json.WriteStartArray("inputs"u8);
            foreach (var input in inputs)
            {
                Write(json, input);
            }

            json.WriteEndArray();
            json.WriteStartArray("outputs"u8);
            foreach (var output in options.Outputs)
            {
                json.WriteStartObject();
                json.WriteString("name"u8, output);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, InferenceTensor tensor)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, tensor.Name);
        json.WriteString("datatype"u8, tensor.Datatype);
        json.WriteStartArray("shape"u8);
        foreach (var dimension in tensor.Shape)
        {
            json.WriteNumberValue(dimension);
        }

        json.WriteEndArray();
        json.WriteStartObject("parameters"u8);
        json.WriteNumber("binary_data_size"u8, tensor.Data.Length);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
