using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.AI;
using OpenAI;

namespace InferenceTemplate.Tests.Api;

/// <summary>Embeddings and rerank of a real model, by HTTP and by the clients that others wrote for OpenAI.</summary>
public sealed class EmbeddingTests(Platform platform, EmbeddingModel model) : IClassFixture<EmbeddingModel>
{
    private static readonly string[] s_texts = ["A cat.", "A kitten.", "Stocks fell today."];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_of_openai_gets_embeddings_unchanged()
    {
        var client = OpenAi().GetEmbeddingClient(model.Name);

        var answer = (await client.GenerateEmbeddingsAsync(s_texts, cancellationToken: Cancellation)).Value;
        var options = new OpenAI.Embeddings.EmbeddingGenerationOptions { Dimensions = 64 };
        var shortened = (await client.GenerateEmbeddingAsync("A cat.", options, Cancellation)).Value;

        Assert.Equal([0, 1, 2], answer.Select(e => e.Index));
        var (cat, kitten, stocks) = (answer[0].ToFloats(), answer[1].ToFloats(), answer[2].ToFloats());
        Assert.Equal(MiniLm.Dimensions, cat.Length);
        Assert.InRange(Product(cat, kitten), 0.7, 0.9);
        Assert.InRange(Product(cat, stocks), -0.2, 0.2);
        Assert.Equal((16, 16), (answer.Usage.InputTokenCount, answer.Usage.TotalTokenCount));
        Assert.Equal($"{model.Name}:1", answer.Model);
        Assert.Equal(64, shortened.ToFloats().Length);
        Assert.Equal(1, Product(shortened.ToFloats(), shortened.ToFloats()), 1e-5);
        Assert.Equal(
            1, Product(shortened.ToFloats(), cat[..64]) / Math.Sqrt(Product(cat[..64], cat[..64])), 1e-5);
    }

    [Fact]
    public async Task Client_of_openai_sends_tokens_of_the_model_and_gets_what_their_text_gets()
    {
        var client = OpenAi().GetEmbeddingClient(model.Name);
        int[] cat = [101, 1037, 4937, 1012, 102];

        var texts = (await client.GenerateEmbeddingsAsync(s_texts[..2], cancellationToken: Cancellation)).Value;
        var tokens = (await client.GenerateEmbeddingsAsync(
            (ReadOnlyMemory<int>[])[cat, cat.AsMemory(1, 3)], cancellationToken: Cancellation)).Value;

        Assert.Equal(1, Product(texts[0].ToFloats(), tokens[0].ToFloats()), 1e-5);
        Assert.InRange(Product(texts[0].ToFloats(), tokens[1].ToFloats()), 0.5, 0.999); // nothing is put around them
        Assert.Equal(8, tokens.Usage.InputTokenCount);

        using var http = platform.Admin();
        var one = await OkAsync(http, "/v1/embeddings", new { model = model.Name, input = cat });
        Assert.Equal(1, Product(
            texts[0].ToFloats(), one.GetProperty("data")[0].GetProperty("embedding").Deserialize<float[]>()), 1e-5);
    }

    [Fact]
    public async Task Embedding_generator_of_microsoft_extensions_ai_gets_embeddings_unchanged()
    {
        using var generator = OpenAi().GetEmbeddingClient($"{model.Name}:1").AsIEmbeddingGenerator();

        var answer = await generator.GenerateAsync(s_texts, cancellationToken: Cancellation);

        Assert.InRange(Product(answer[0].Vector, answer[1].Vector), 0.7, 0.9);
        Assert.Equal(16, answer.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task Client_of_openai_lists_the_models_and_retrieves_one()
    {
        var models = OpenAi().GetOpenAIModelClient();

        Assert.Contains(model.Name, (await models.GetModelsAsync(Cancellation)).Value.Select(m => m.Id));
        Assert.Equal(model.Name, (await models.GetModelAsync(model.Name, Cancellation)).Value.Id);
        Assert.Equal($"{model.Name}:1", (await models.GetModelAsync($"{model.Name}:1", Cancellation)).Value.Id);
    }

    [Fact]
    public async Task Key_of_a_service_lists_and_retrieves_what_it_may_call_and_learns_no_settings()
    {
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("service", models: [model.Name]);
        var models = OpenAi(key).GetOpenAIModelClient();
        using var service = platform.WithKey(key);

        Assert.Equal(model.Name, Assert.Single((await models.GetModelsAsync(Cancellation)).Value).Id);
        Assert.Equal($"{model.Name}:1", (await models.GetModelAsync($"{model.Name}:1", Cancellation)).Value.Id);
        using var retrieved = await service.GetAsync($"/v1/models/{model.Name}", Cancellation);
        Assert.Equal(
            ["id", "object", "created", "owned_by"], (await retrieved.JsonAsync()).EnumerateObject().Select(field => field.Name));
        foreach (var hidden in (string[])["digits", "digits:1"])
        {
            Assert.Equal(404, (await Assert.ThrowsAsync<ClientResultException>(() => models.GetModelAsync(hidden, Cancellation))).Status);
        }
    }

    [Fact]
    public async Task Null_is_an_absent_field_and_a_mark_of_utf8_is_passed_over()
    {
        using var client = platform.Admin();
        var body = $$"""{"model":"{{model.Name}}","query":"a","documents":["b"],"return_documents":null,"top_n":null}""";
        using var content = new ByteArrayContent([0xEF, 0xBB, 0xBF, .. System.Text.Encoding.UTF8.GetBytes(body)]);
        content.Headers.ContentType = new("application/json");

        using var answer = await client.PostAsync("/v1/rerank", content, Cancellation);
        using var wrong = await client.PostAsync(
            "/v1/rerank", Digits.Json(body.Replace("\"return_documents\":null", "\"return_documents\":5", StringComparison.Ordinal)), Cancellation);

        Assert.Equal(200, (int)answer.StatusCode);
        var error = (await wrong.JsonAsync()).GetProperty("error");
        Assert.Equal(
            (400, "return_documents: another kind of value expected", "return_documents"),
            ((int)wrong.StatusCode, error.GetProperty("message").GetString(), error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task Client_of_openai_is_told_what_is_wrong()
    {
        var refused = await Assert.ThrowsAsync<ClientResultException>(
            () => OpenAi().GetEmbeddingClient("no-such").GenerateEmbeddingAsync("x", cancellationToken: Cancellation));
        var unknown = await Assert.ThrowsAsync<ClientResultException>(
            () => OpenAi("wrong").GetEmbeddingClient(model.Name).GenerateEmbeddingAsync("x", cancellationToken: Cancellation));

        Assert.Equal((404, 401), (refused.Status, unknown.Status));
        Assert.Contains("there is no model 'no-such'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Numbers_base64_and_the_protocol_itself_say_the_same()
    {
        using var client = platform.Admin();

        var floats = await OkAsync(client, "/v1/embeddings", new { model = model.Name, input = "A cat.", user = "somebody" });
        var base64 = await OkAsync(client, "/v1/embeddings", new { model = model.Name, input = s_texts[..1], encoding_format = "base64" });
        var infer = await OkAsync(client, $"/v2/models/{model.Name}/infer", new
        {
            inputs = new[] { new { name = "text", datatype = "BYTES", shape = new[] { 1 }, data = new[] { "A cat." } } },
        });

        var numbers = infer.Output("embedding").Data<float>();
        Assert.Equal(numbers, floats.GetProperty("data")[0].GetProperty("embedding").Deserialize<float[]>());
        Assert.Equal(
            numbers,
            MemoryMarshal.Cast<byte, float>(base64.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64()).ToArray());
        Assert.Equal([5L], infer.Output("token_count").Data<long>());
        Assert.Equal(5, floats.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Theory]
    [InlineData("""{"model":"M"}""", "input")]
    [InlineData("""{"input":"x"}""", "model")]
    [InlineData("""{"model":"M","input":[]}""", "input: 0 texts given, 1 to 2048 are possible")]
    [InlineData("""{"model":"M","input":""}""", "input is empty")]
    [InlineData("""{"model":"M","input":["x",7]}""", "input[1]: a text, or an array of ids of tokens, expected")]
    [InlineData("""{"model":"M","input":[7,"x"]}""", "input[1]: the id of a token expected")]
    [InlineData("""{"model":"M","input":[[1,2],[3,1.5]]}""", "input[1][1]: the id of a token expected")]
    [InlineData("""{"model":"M","input":[101,30522]}""", "input has the token id 30522 at 1; those of the model are 0 to 30521")]
    [InlineData("""{"model":"M","input":[[101],[-1]]}""", "input[1] has the token id -1 at 0; those of the model are 0 to 30521")]
    [InlineData("""{"model":"M","input":["x",[]]}""", "input[1] is empty: it has no token")]
    [InlineData("""{"model":"M","input":{"a":1}}""", "input: a text or an array of texts expected")]
    [InlineData("""{"model":"M","input":"\ud800"}""", "half a surrogate pair")]
    [InlineData("""{"model":"M","input":"x","encoding_format":"hex"}""", "encoding_format: 'hex' given")]
    [InlineData("""{"model":"M","input":"x","dimensions":0}""", "dimensions: 0 given")]
    [InlineData("""{"model":"M","input":"x","dimensions":385}""", "dimensions: 385 given, 1 to 384 are possible")]
    [InlineData("""{"model":"digits","input":"x"}""", "'digits' version 1 does not embed text")]
    [InlineData("""["x"]""", "the body can't be read")]
    [InlineData("", "the body is empty")]
    [InlineData("""{"model":"M","input":"x","input_type":"query"}""", "input_type: it is not supported here; leave it out")]
    [InlineData("""{"model":"M","input":"x","truncate":true}""", "truncate: it is not supported here; leave it out")]
    [InlineData("""{"model":"M","input":"x","dimension":64}""", "dimension: it is not supported here; leave it out")]
    [InlineData("""{"model":"M","input":"x","embedding_type":"int8"}""", "embedding_type: it is not supported here; leave it out")]
    [InlineData("""{"model":"M","input":"x","input":"y"}""", "Duplicate property 'input'")]
    [InlineData("""{"model":"M","input":"x","\ud800":1}""", "the body can't be read: ")]
    public async Task Request_that_can_not_be_answered_is_refused_in_the_form_of_openai(string body, string reason)
    {
        using var client = platform.Admin();
        using var content = new StringContent(
            body.Replace("\"M\"", $"\"{model.Name}\"", StringComparison.Ordinal), Encoding.UTF8, "application/json");

        using var response = await client.PostAsync("/v1/embeddings", content, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Contains(reason, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_long_and_too_many_texts_are_refused()
    {
        using var client = platform.Admin();
        var word = string.Join(' ', Enumerable.Repeat("cat", 255));

        using var tooLong = await client.PostAsJsonAsync("/v1/embeddings", new { model = model.Name, input = word }, Cancellation);
        using var tooMany = await client.PostAsJsonAsync(
            "/v1/embeddings", new { model = model.Name, input = Enumerable.Repeat("cat", 2049) }, Cancellation);

        Assert.Contains("has more than 256 tokens", await tooLong.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Contains("2049 texts given, 1 to 2048", await tooMany.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refused_texts_do_not_speak_against_the_version()
    {
        using var client = platform.Admin();
        for (var i = 0; i < 4; i++)
        {
            using var refused = await client.PostAsJsonAsync("/v1/embeddings", new { model = model.Name, input = "" }, Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }

        // What replicas have seen is added up every moment: what came before an answer is counted with it.
        var before = (await SeenAsync(client)).GetProperty("requests").GetInt64();
        var seen = default(JsonElement);
        await Wait.UntilAsync(async () =>
        {
            _ = await OkAsync(client, "/v1/embeddings", new { model = model.Name, input = "A cat." });
            seen = await SeenAsync(client);
            return seen.GetProperty("requests").GetInt64() >= before + 4;
        });

        Assert.Equal(0, seen.GetProperty("errors").GetInt64());
    }

    [Fact]
    public async Task Fields_that_change_nothing_are_taken_and_those_of_another_rerank_are_not()
    {
        using var client = platform.Admin();

        _ = await OkAsync(client, "/v1/embeddings", new
        {
            model = model.Name,
            input = "x",
            user = "me",
            truncate = (bool?)null,
            priority = 0,
            late_chunking = false,
            embedding_type = "float",
            modality = "text",
        });
        _ = await OkAsync(client, "/v1/rerank", new
        {
            model = model.Name,
            query = "x",
            documents = s_texts.Select(text => new { text }),
            user = "me",
            priority = 0,
            max_tokens_per_doc = 8192,
            rank_fields = new[] { "text" },
            return_documents = false,
            return_len = false,
        });
        using var refused = await client.PostAsJsonAsync(
            "/v1/rerank", new { model = model.Name, query = "x", documents = s_texts, max_tokens_per_doc = 8 }, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("max_tokens_per_doc", (await refused.JsonAsync()).GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task Too_many_documents_are_refused_by_their_own_number()
    {
        using var client = platform.Admin();

        using var tooMany = await client.PostAsJsonAsync(
            "/v1/rerank", new { model = model.Name, query = "x", documents = Enumerable.Repeat("cat", 2048) }, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, tooMany.StatusCode);
        Assert.Equal(
            "documents: 2048 given, 1 to 2047 are possible",
            (await tooMany.JsonAsync()).GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task Rerank_is_found_where_the_second_version_of_coheres_clients_looks()
    {
        using var client = platform.Admin();
        var request = new { model = model.Name, query = "A pet", documents = s_texts, top_n = 2, max_tokens_per_doc = 4096 };

        var (first, second) = (await OkAsync(client, "/v1/rerank", request), await OkAsync(client, "/v2/rerank", request));

        Assert.Equal(2, second.GetProperty("results").GetArrayLength());
        Assert.Equal(first.ToString(), second.ToString());
    }

    [Theory]
    [InlineData("/v1/embeddings")]
    [InlineData("/v1/rerank")]
    public async Task Tenant_that_may_send_nothing_is_refused_before_its_body_is_read(string path)
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"monthly_inferences\":1");
        using var client = await tenant.ClientAsync();
        _ = await OkAsync(client, "/v1/embeddings", new { model = model.Name, input = "x" });

        // What is known of a tenant is remembered for a second; then what it sends could as well be no JSON.
        var error = default(JsonElement);
        await Wait.UntilAsync(async () =>
        {
            using var unreadable = new StringContent("no JSON");
            using var response = await client.PostAsync(path, unreadable, Cancellation);
            error = (await response.JsonAsync()).GetProperty("error");
            return response.StatusCode == HttpStatusCode.TooManyRequests;
        });

        Assert.Equal("insufficient_quota", error.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("/v1/embeddings")]
    [InlineData("/v1/rerank")]
    [InlineData("/v2/rerank")]
    public async Task Idempotency_key_that_can_not_be_is_refused_in_the_form_of_openai(string path)
    {
        using var client = platform.Admin();
        client.DefaultRequestHeaders.Add("Idempotency-Key", new string('k', 256));

        using var response = await client.PostAsJsonAsync(
            path, new { model = model.Name, input = "x", query = "x", documents = s_texts }, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.StartsWith("Idempotency-Key: 1 to 255", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blank_text_is_embedded_as_the_models_own_tokenizer_does_and_holds_up_no_other()
    {
        using var client = platform.Admin();

        var answer = await OkAsync(client, "/v1/embeddings", new { model = model.Name, input = new[] { "A cat.", " \n" } });
        var tokens = await OkAsync(client, "/v1/embeddings", new { model = model.Name, input = new[] { 101, 102 } });

        Assert.Equal(7, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        var (blank, special) = (Vector(answer, 1), Vector(tokens, 0));
        Assert.Equal(1, Product(blank, special), 1e-5);

        static float[] Vector(JsonElement body, int index) =>
            body.GetProperty("data")[index].GetProperty("embedding").Deserialize<float[]>()!;
    }

    [Fact]
    public async Task Model_that_a_key_may_not_use_does_not_exist_for_it()
    {
        using var admin = platform.Admin();
        using var client = platform.WithKey((await admin.CreateKeyAsync("service", models: ["digits"])).Key);

        using var response = await client.PostAsJsonAsync("/v1/embeddings", new { model = model.Name, input = "x" }, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("model_not_found", (await response.JsonAsync()).GetProperty("error").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("", ":1")]
    [InlineData("no such", "")]
    [InlineData("M", ":x")]
    public async Task Name_that_no_model_has_is_not_found_and_never_repeated_whole(string name, string version)
    {
        using var client = platform.Admin();
        using var longName = await client.PostAsJsonAsync(
            "/v1/embeddings", new { model = name + new string('x', 1 << 20) + version, input = "x" }, Cancellation);
        using var longVersion = await client.PostAsJsonAsync(
            "/v1/rerank", new { model = $"{model.Name}:{new string('x', 1 << 20)}", query = "x", documents = s_texts }, Cancellation);
        using var other = await client.PostAsJsonAsync("/v1/embeddings", new { model = name + version, input = "x" }, Cancellation);

        foreach (var response in (HttpResponseMessage[])[longName, longVersion, other])
        {
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            var error = (await response.JsonAsync()).GetProperty("error");
            Assert.Equal("model", error.GetProperty("param").GetString());
            Assert.InRange(error.GetProperty("message").GetString()!.Length, 1, 300);
        }
    }

    [Theory]
    [InlineData("/v1/embeddings", "input", """{"model":"M","input":""}""")]
    [InlineData("/v1/embeddings", "input[1]", """{"model":"M","input":["x",""]}""")]
    [InlineData("/v1/rerank", "query", """{"model":"M","query":"","documents":["x"]}""")]
    [InlineData("/v1/rerank", "documents[1]", """{"model":"M","query":"x","documents":["x",""]}""")]
    public async Task Text_that_is_refused_is_called_what_it_is_in_the_request(string path, string place, string body)
    {
        using var client = platform.Admin();
        using var content = new StringContent(
            body.Replace("\"M\"", $"\"{model.Name}\"", StringComparison.Ordinal), Encoding.UTF8, "application/json");

        using var response = await client.PostAsync(path, content, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal(
            ($"{place} is empty", place),
            (error.GetProperty("message").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData("/v1/embeddings", "input", """{"model":"M","input":"a"}""")]
    [InlineData("/v1/embeddings", "input[1]", """{"model":"M","input":["b","b a"]}""")]
    [InlineData("/v1/embeddings", "input[0]", """{"model":"M","input":["a","b"],"encoding_format":"base64"}""")]
    [InlineData("/v1/embeddings", "input[0]", """{"model":"M","input":["a"],"dimensions":1}""")]
    [InlineData("/v1/rerank", "query", """{"model":"M","query":"a","documents":["b"]}""")]
    [InlineData("/v1/rerank", "documents[1]", """{"model":"M","query":"b","documents":["b","a"]}""")]
    public async Task Embedding_that_is_no_number_is_an_error_whatever_form_is_asked_for(string path, string place, string body)
    {
        using var client = platform.Admin();
        using var content = new StringContent(
            body.Replace("\"M\"", $"\"{model.NotANumber}\"", StringComparison.Ordinal), Encoding.UTF8, "application/json");

        using var response = await client.PostAsync(path, content, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal(
            ($"{place}: the model gave it an embedding with NaN or infinity", place),
            (error.GetProperty("message").GetString(), error.GetProperty("param").GetString()));
    }

    [Fact]
    public async Task Documents_come_back_by_how_near_they_are_to_the_query()
    {
        using var client = platform.Admin();
        object[] documents = ["Stocks fell today.", new { text = "A kitten." }, "A dog."];

        var all = await OkAsync(client, "/v1/rerank", new { model = model.Name, query = "A cat.", documents, return_documents = true });
        var first = await OkAsync(client, "/v1/rerank", new { model = model.Name, query = "A cat.", documents, top_n = 1 });

        var results = all.GetProperty("results");
        Assert.Equal([1, 2, 0], results.EnumerateArray().Select(r => r.GetProperty("index").GetInt32()));
        Assert.InRange(results[0].GetProperty("relevance_score").GetDouble(), 0.7, 0.9);
        Assert.Equal("A kitten.", results[0].GetProperty("document").GetProperty("text").GetString());
        var only = Assert.Single(first.GetProperty("results").EnumerateArray());
        Assert.Equal(1, only.GetProperty("index").GetInt32());
        Assert.False(only.TryGetProperty("document", out _));
    }

    [Theory]
    [InlineData("""{"model":"M","query":"x","documents":[]}""", "documents: 0 given, 1 to 2047 are possible")]
    [InlineData("""{"model":"M","query":"x","documents":"y"}""", "documents: an array of texts expected")]
    [InlineData("""{"model":"M","query":"x","documents":["y"],"top_n":0}""", "top_n: 0 given")]
    [InlineData("""{"model":"M","query":"x","documents":[null]}""", "documents[0]: a text expected")]
    [InlineData("""{"model":"M","query":"x","documents":[{"text":"\ud800"}]}""", "documents[0].text: it is not UTF-8, or has half")]
    [InlineData("""{"model":"M","query":"x","documents":["y",{"\ud800":"y"}]}""", "the body can't be read: ")]
    [InlineData("""{"model":"\ud800","query":"x","documents":["y"]}""", "the body can't be read")]
    [InlineData("""{"model":"M","documents":["y"]}""", "query")]
    public async Task Rerank_that_can_not_be_is_refused(string body, string reason)
    {
        using var client = platform.Admin();
        using var content = new StringContent(
            body.Replace("\"M\"", $"\"{model.Name}\"", StringComparison.Ordinal), Encoding.UTF8, "application/json");

        using var response = await client.PostAsync("/v1/rerank", content, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(
            reason, (await response.JsonAsync()).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private OpenAIClient OpenAi(string key = Platform.AdminKey)
    {
        using var http = platform.Anonymous();
        return new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(http.BaseAddress!, "v1") });
    }

    private async Task<JsonElement> SeenAsync(HttpClient client)
    {
        using var response = await client.GetAsync($"/v1/models/{model.Name}/traffic/status", Cancellation);
        return (await response.JsonAsync()).GetProperty("versions")[0];
    }

    private static async Task<JsonElement> OkAsync(HttpClient client, string path, object body)
    {
        using var response = await client.PostAsJsonAsync(path, body, Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(Cancellation));
        return await response.JsonAsync();
    }

    private static double Product(ReadOnlyMemory<float> one, ReadOnlyMemory<float> other) =>
        one.ToArray().Zip(other.ToArray(), (a, b) => (double)a * b).Sum();
}

/// <summary>all-MiniLM-L6-v2 and a small model, uploaded as any user would and ready.</summary>
public sealed class EmbeddingModel(Platform platform) : IAsyncLifetime
{
    public string Name { get; } = $"minilm-{Guid.NewGuid():N}";

    /// <summary>Knows 'a' and 'b', and has no number for the one.</summary>
    public string NotANumber { get; } = $"nan-{Guid.NewGuid():N}";

    public async ValueTask InitializeAsync()
    {
        var small = new OnnxModel()
            .Input("input_ids", OnnxModel.Int64, -1, -1)
            .Input("attention_mask", OnnxModel.Int64, -1, -1)
            .Output("tokens", OnnxModel.Float, -1, -1, 2)
            .Constant("table", [0, 0, 1, 0, 0, 0, 0, 0, float.NaN, 0, 0, 8], 6, 2)
            .Node("Gather", ["table", "input_ids"], ["tokens"]);
        await UploadAsync(Name, MiniLm.Files());
        await UploadAsync(
            NotANumber,
            [
                ("model.onnx", small.ToBytes()),
                ("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n"u8.ToArray()),
                ("text.json", """{"tokenizer": "wordpiece", "lowercase": true, "max_tokens": 8, "pooling": "mean"}"""u8.ToArray()),
            ]);
    }

    public async ValueTask DisposeAsync()
    {
        using var admin = platform.Admin();
        foreach (var name in (string[])[Name, NotANumber])
        {
            using var deleted = await admin.DeleteAsync($"/v1/models/{name}");
        }
    }

    private async Task UploadAsync(string model, (string Name, byte[] Content)[] files)
    {
        using var admin = platform.Admin();
        using var form = new MultipartFormDataContent();
        foreach (var (name, content) in files)
        {
            form.Add(new ByteArrayContent(content), "file", name);
        }

        using var uploaded = await admin.PostAsync($"/v1/models/{model}/versions", form);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        var version = default(JsonElement);
        await Wait.UntilAsync(async () =>
        {
            using var response = await admin.GetAsync($"/v1/models/{model}/versions/1");
            version = await response.JsonAsync();
            return version.GetProperty("state").GetString() != "pending";
        });
        Assert.True(version.GetProperty("state").GetString() == "ready", version.GetProperty("reason").GetString());

        await admin.KnownAsync(model);
        await Wait.UntilAsync(async () =>
        {
            using var embedded = await admin.PostAsJsonAsync("/v1/embeddings", new { model, input = "x" });
            return embedded.IsSuccessStatusCode;
        });
    }
}
