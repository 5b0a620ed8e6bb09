using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Api.Embeddings;

/// <param name="Model">A model that embeds text, or <c>model:version</c>; the version may be an alias.</param>
/// <param name="Documents">Up to 2,047 texts, or objects with a <c>text</c>.</param>
/// <param name="TopN">How many are answered; all where absent.</param>
/// <param name="ReturnDocuments">Whether each result has its text.</param>
internal sealed record RerankRequest(
    string Model, JsonElement Query, JsonElement Documents, int? TopN = null, bool? ReturnDocuments = null)
{
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; set; }
}

/// <param name="Model">The version that answered: <c>model:version</c>.</param>
/// <param name="Results">The most relevant first.</param>
internal sealed record RerankAnswer(string Model, RerankResult[] Results, EmbeddingUsage Usage);

/// <param name="Index">Of the document in the request.</param>
/// <param name="RelevanceScore">The cosine between its embedding and the query's, -1 to 1.</param>
internal sealed record RerankResult(
    int Index, double RelevanceScore,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RerankDocument? Document = null);

internal sealed record RerankDocument(string Text);

/// <summary><c>POST /v1/rerank</c>, as clients of Jina and Cohere call it.</summary>
internal static class Rerank
{
    // The query is a text too.
    private const int MaxDocuments = EmbeddingSignature.MaxTexts - 1;

    // Cohere's default of max_tokens_per_doc.
    private const int CohereTokensPerDoc = 4096;

    private const string Request = """{"model":"minilm","query":"A pet","documents":["Stocks fell today.","A cat."],"top_n":1}""";

    private const string Response = """
        {"model":"minilm:1","results":[{"index":1,"relevance_score":0.41}],"usage":{"prompt_tokens":15,"total_tokens":15}}
        """;

    public static void MapRerank(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapRerank("/v1/rerank");

        // Where Cohere's present clients look for it; it is the same.
        endpoints.MapRerank("/v2/rerank").ExcludeFromDescription();
    }

    private static RouteHandlerBuilder MapRerank(this IEndpointRouteBuilder endpoints, string path) => endpoints.MapPost(path, HandleAsync)
        .WithSummary("Documents by how near they are to a query, by a model that embeds text")
        .WithMetadata(new CountedAsTraffic(), new EndpointErrors(typeof(OpenAiError)))
        .WithBody<RerankRequest>(Request, Response)
        .Produces<RerankAnswer>()
        .Produces<OpenAiError>(StatusCodes.Status404NotFound)
        .Produces<OpenAiError>(StatusCodes.Status504GatewayTimeout);

    private static async Task HandleAsync(HttpContext context, EmbeddingCalls calls, OpenAiCalls openAi)
    {
        if (await openAi.ReadAsync(context, EmbeddingsJson.Default.RerankRequest, Checked) is not var (request, texts))
        {
            return;
        }

        // The query is the first text: it and the documents are one request, and one batch where that is large enough.
        if (await calls.EmbedAsync(
            context, request.Model, [.. texts.Select(Encoding.UTF8.GetBytes)],
            text => text == 0 ? "query" : $"documents[{text - 1}]") is { } embedded)
        {
            var results = Enumerable.Range(1, texts.Length - 1)
                .Select(i => new RerankResult(
                    i - 1,
                    Similarity.Cosine(embedded.Of(0), embedded.Of(i)),
                    request.ReturnDocuments == true ? new RerankDocument(texts[i]) : null))
                .OrderByDescending(result => result.RelevanceScore)
                .Take(request.TopN ?? int.MaxValue);
            var answer = new RerankAnswer(embedded.Model, [.. results], new(embedded.Tokens, embedded.Tokens));
            await TypedResults.Json(answer, EmbeddingsJson.Default.RerankAnswer).ExecuteAsync(context);
        }
    }

    private static (RerankRequest Request, string[] Texts) Checked(RerankRequest request)
    {
        string[] texts = [EmbeddingsEndpoint.TextOf(request.Query, "query"), .. DocumentsOf(request.Documents)];
        OpenAiFields.Refuse(request.Others, IsNeutral);
        return request.TopN < 1
            ? throw new InvalidInferBodyException($"top_n: {request.TopN} given, 1 or more expected")
            : (request, texts);
    }

    // Of vLLM, Jina and Cohere, whose clients send their defaults too.
    private static bool IsNeutral(string name, JsonElement value) => name switch
    {
        "priority" => OpenAiFields.IsNumber(value, 0),
        "max_tokens_per_doc" =>
            value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var tokens) && tokens >= CohereTokensPerDoc,
        "rank_fields" => value.ValueKind == JsonValueKind.Array
            && value.GetArrayLength() == 1 && OpenAiFields.IsText(value[0], "text"),
        "return_len" => value.ValueKind == JsonValueKind.False,
        _ => false,
    };

    private static IEnumerable<string> DocumentsOf(JsonElement documents)
    {
        var count = documents.ValueKind == JsonValueKind.Array
            ? documents.GetArrayLength()
            : throw new InvalidInferBodyException("documents: an array of texts expected");
        return count is >= 1 and <= MaxDocuments
            ? documents.EnumerateArray().Select(DocumentOf)
            : throw new InvalidInferBodyException($"documents: {count} given, 1 to {MaxDocuments} are possible");
    }

    private static string DocumentOf(JsonElement document, int index) =>
        document.ValueKind == JsonValueKind.Object && document.TryGetProperty("text"u8, out var text)
            ? EmbeddingsEndpoint.TextOf(text, $"documents[{index}].text")
            : EmbeddingsEndpoint.TextOf(document, $"documents[{index}]");
}
