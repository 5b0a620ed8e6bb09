using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Api.Embeddings;

/// <param name="Model">A model, or <c>model:version</c>; the version may be an alias.</param>
/// <param name="Input">A text, or up to 2,048 of them; in place of each, ids of the model's own tokens.</param>
/// <param name="EncodingFormat"><c>float</c>, or <c>base64</c>: little-endian FP32.</param>
/// <param name="Dimensions">The first so many numbers of each embedding, brought to length 1 again.</param>
internal sealed record EmbeddingsRequest(string Model, JsonElement Input, string? EncodingFormat = null, int? Dimensions = null)
{
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>For documents only: it is written without such objects.</summary>
/// <param name="Model">The version that answered: <c>model:version</c>.</param>
internal sealed record EmbeddingsAnswer(string Object, EmbeddingAnswer[] Data, string Model, EmbeddingUsage Usage);

/// <param name="Embedding">Numbers, or a text of base64.</param>
internal sealed record EmbeddingAnswer(string Object, int Index, JsonElement Embedding);

internal sealed record EmbeddingUsage(long PromptTokens, long TotalTokens);

/// <summary><c>POST /v1/embeddings</c>, as OpenAI's clients call it.</summary>
internal static class EmbeddingsEndpoint
{
    private const string Base64 = "base64";

    private const string Request = """{"model":"minilm","input":["A cat.","Stocks fell today."]}""";

    private const string Response = """
        {"object":"list","data":[
            {"object":"embedding","index":0,"embedding":[0.1,0.2]},{"object":"embedding","index":1,"embedding":[0.3,0.4]}],
         "model":"minilm:1","usage":{"prompt_tokens":11,"total_tokens":11}}
        """;

    public static void MapEmbed(this IEndpointRouteBuilder endpoints) => endpoints.MapPost("/v1/embeddings", HandleAsync)
        .WithSummary("Embeddings of texts, as OpenAI's API has them")
        .WithMetadata(new CountedAsTraffic(), new EndpointErrors(typeof(OpenAiError)))
        .WithBody<EmbeddingsRequest>(Request, Response)
        .Produces<EmbeddingsAnswer>()
        .Produces<OpenAiError>(StatusCodes.Status404NotFound)
        .Produces<OpenAiError>(StatusCodes.Status504GatewayTimeout);

    private static async Task HandleAsync(HttpContext context, EmbeddingCalls calls, OpenAiCalls openAi)
    {
        if (await openAi.ReadAsync(context, EmbeddingsJson.Default.EmbeddingsRequest, Checked) is not var (request, texts))
        {
            return;
        }

        var isOne = request.Input.ValueKind == JsonValueKind.String || IsTokens(request.Input);
        if (await calls.EmbedAsync(context, request.Model, texts, text => isOne ? "input" : $"input[{text}]", request.Dimensions) is not { } embedded)
        {
            return;
        }

        if (request.Dimensions > embedded.Dimensions)
        {
            var refusal = EmbeddingCalls.TooManyDimensions(request.Dimensions.Value, embedded.Dimensions, embedded.Model);
            await OpenAiErrors.Error(StatusCodes.Status400BadRequest, refusal.Message, "dimensions").ExecuteAsync(context);
            return;
        }

        using var json = new PooledBuffer();
        Write(json, embedded, request.Dimensions ?? embedded.Dimensions, request.EncodingFormat == Base64);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.WrittenCount;
        await context.Response.BodyWriter.WriteAsync(json.WrittenMemory, context.RequestAborted);
    }

    private static (EmbeddingsRequest Request, byte[][] Texts) Checked(EmbeddingsRequest request)
    {
        var texts = TextsOf(request.Input);
        if (request.EncodingFormat is not (null or "float" or Base64))
        {
            throw new InvalidInferBodyException($"encoding_format: '{request.EncodingFormat}' given, float or {Base64} expected");
        }

        if (request.Dimensions < 1)
        {
            throw new InvalidInferBodyException($"dimensions: {request.Dimensions} given, 1 or more expected");
        }

        OpenAiFields.Refuse(request.Others, IsNeutral);

        return (request, texts);
    }

    // Of vLLM and Jina. Not whether texts are cut off or embeddings have length 1: that is the model's own, and not known here.
    private static bool IsNeutral(string name, JsonElement value) => name switch
    {
        "modality" => OpenAiFields.IsText(value, "text"),
        "embedding_type" => OpenAiFields.IsText(value, "float"),
        "priority" => OpenAiFields.IsNumber(value, 0),
        "add_special_tokens" => value.ValueKind == JsonValueKind.True,
        "late_chunking" => value.ValueKind == JsonValueKind.False,
        _ => false,
    };

    // Counted before any text is copied: of a body of many mebibytes there are millions.
    private static byte[][] TextsOf(JsonElement input) => input.ValueKind switch
    {
        _ when input.ValueKind == JsonValueKind.String || IsTokens(input) => [ElementOf(input, "input")],
        JsonValueKind.Array when input.GetArrayLength() is < 1 or > EmbeddingSignature.MaxTexts => throw new InvalidInferBodyException(
            $"input: {input.GetArrayLength()} texts given, 1 to {EmbeddingSignature.MaxTexts} are possible"),
        JsonValueKind.Array => [.. input.EnumerateArray().Select((element, i) => ElementOf(element, $"input[{i}]"))],
        _ => throw new InvalidInferBodyException("input: a text or an array of texts expected"),
    };

    private static bool IsTokens(JsonElement input) =>
        input.ValueKind == JsonValueKind.Array && input.GetArrayLength() > 0 && input[0].ValueKind == JsonValueKind.Number;

    private static byte[] ElementOf(JsonElement element, string where) => element.ValueKind switch
    {
        JsonValueKind.Array => EmbeddingSignature.ElementOf([.. element.EnumerateArray().Select((id, i) =>
            id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var token)
                ? token
                : throw new InvalidInferBodyException($"{where}[{i}]: the id of a token expected, a whole number"))]),
        JsonValueKind.String => Encoding.UTF8.GetBytes(TextOf(element, where)),
        _ => throw new InvalidInferBodyException($"{where}: a text, or an array of ids of tokens, expected"),
    };

    /// <exception cref="InvalidInferBodyException">It is no text.</exception>
    public static string TextOf(JsonElement element, string where)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String
                ? element.GetString()!
                : throw new InvalidInferBodyException($"{where}: a text expected");
        }
        catch (InvalidOperationException)
        {
            throw new InvalidInferBodyException($"{where}: it is not UTF-8, or has half a surrogate pair");
        }
    }

    private static void Write(IBufferWriter<byte> buffer, Embedded embedded, int dimensions, bool base64)
    {
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        for (var text = 0; text < embedded.Count; text++)
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "embedding"u8);
            json.WriteNumber("index"u8, text);
            var embedding = dimensions == embedded.Dimensions ? embedded.Of(text) : Shortened(embedded.Of(text)[..dimensions]);
            if (base64)
            {
                json.WriteBase64String("embedding"u8, MemoryMarshal.AsBytes(embedding));
            }
            else
            {
                json.WriteStartArray("embedding"u8);
                foreach (var value in embedding)
                {
                    json.WriteNumberValue(value);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("model"u8, embedded.Model);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, embedded.Tokens);
        json.WriteNumber("total_tokens"u8, embedded.Tokens);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static float[] Shortened(ReadOnlySpan<float> embedding)
    {
        var length = Math.Sqrt(Similarity.Product(embedding, embedding));
        var shortened = new float[embedding.Length];
        for (var i = 0; i < shortened.Length; i++)
        {
            shortened[i] = length > 0 ? (float)(embedding[i] / length) : 0;
        }

        return shortened;
    }
}
