using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Client;

/// <summary>Reads an inference response: its JSON, and each output into memory of its own from behind it.</summary>
internal static class InferResponse
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    private const string Size = "binary_data_size";

    public static async Task<InferenceResult> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            var head = await ReadHeadAsync(response, body, cancellationToken).ConfigureAwait(false);
            var outputs = new List<InferenceTensor>(head.Outputs.Length);
            foreach (var output in head.Outputs)
            {
                var data = new byte[SizeOf(output)];
                await body.ReadExactlyAsync(data, cancellationToken).ConfigureAwait(false);
                outputs.Add(new InferenceTensor(output.Name, output.Datatype, output.Shape, data));
            }

            return new InferenceResult(head.ModelName, head.ModelVersion, head.Id, head.Parameters ?? [], outputs);
        }
    }

    // A response without raw outputs is all JSON: a model may have none.
    private static async Task<InferHead> ReadHeadAsync(HttpResponseMessage response, Stream body, CancellationToken cancellationToken)
    {
        if (!response.Headers.TryGetValues(HeaderLength, out var values))
        {
            return await JsonSerializer.DeserializeAsync(body, ClientJson.Default.InferHead, cancellationToken).ConfigureAwait(false)
                ?? throw ApiTransport.Unreadable("it is null");
        }

        if (!int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            throw ApiTransport.Unreadable($"{HeaderLength} is '{values.First()}'");
        }

        var json = new byte[length];
        await body.ReadExactlyAsync(json, cancellationToken).ConfigureAwait(false);
        return JsonSerializer.Deserialize(json, ClientJson.Default.InferHead) ?? throw ApiTransport.Unreadable("it is null");
    }

    private static int SizeOf(InferOutputHead output)
    {
        if (output.Parameters?.TryGetValue(Size, out var value) != true || !value.TryGetInt32(out var size) || size < 0)
        {
            throw ApiTransport.Unreadable($"the output '{output.Name}' is not raw");
        }

        Check(output.Name, output.Datatype, output.Shape, size);
        return size;
    }

    /// <exception cref="InferenceException">An output has other bytes than its shape says.</exception>
    public static void Check(string name, string datatype, long[] shape, int size)
    {
        var element = Datatypes.SizeOf(datatype);
        if (element != 0 && size != InferenceTensor.CountOf(shape) * element)
        {
            throw ApiTransport.Unreadable(
                $"the output '{name}' has {size} bytes, which {datatype} [{string.Join(',', shape)}] is not");
        }
    }
}

internal sealed record InferHead(
    [property: JsonRequired] string ModelName, [property: JsonRequired] string ModelVersion, string? Id,
    Dictionary<string, JsonElement>? Parameters, [property: JsonRequired] InferOutputHead[] Outputs);

internal sealed record InferOutputHead(
    [property: JsonRequired] string Name, [property: JsonRequired] string Datatype, [property: JsonRequired] long[] Shape,
    Dictionary<string, JsonElement>? Parameters);
