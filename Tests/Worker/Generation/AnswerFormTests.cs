using System.Globalization;
using System.Text.Json;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;

namespace InferenceTemplate.Tests.Worker.Generation;

/// <summary>Answers that are held to a schema or to a call of a tool, by a model that would rather write letters.</summary>
public sealed class AnswerFormTests : IDisposable
{
    private const string Tools = """
        [{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{
            "city":{"enum":["Rome","Oslo"]},"days":{"type":"integer"}},"required":["city","days"],"additionalProperties":false}}},
         {"type":"function","function":{"name":"time"}}]
        """;

    private readonly GenerativeModel _files = new(TinyDecoder.Files(template: TinyDecoder.ToolTemplate));
    private readonly GenerationModel _model;

    public AnswerFormTests() => _model = _files.Open();

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task Answer_is_json_of_its_schema_whatever_the_model_would_write()
    {
        var schema = """
            {"type":"object","properties":{"a":{"type":"boolean"},"b":{"enum":["x","y z"]},"c":{"$ref":"#/$defs/d"},
             "e":{"type":"array","items":{"const":7},"minItems":2,"maxItems":3}},
             "required":["a","b","c","e"],"additionalProperties":false,"$defs":{"d":{"anyOf":[{"type":"null"},{"const":"n"}]}}}
            """;

        for (var i = 0; i < 8; i++)
        {
            var text = await GenerateAsync(Schema(schema, $"Question {i}"));

            var json = JsonDocument.Parse(text.Text).RootElement;
            Assert.Equal(["a", "b", "c", "e"], json.EnumerateObject().Select(p => p.Name));
            Assert.True(json.GetProperty("a").ValueKind is JsonValueKind.True or JsonValueKind.False);
            Assert.Contains(json.GetProperty("b").GetString(), (string[])["x", "y z"]);
            Assert.True(json.GetProperty("c").ValueKind == JsonValueKind.Null || json.GetProperty("c").GetString() == "n");
            Assert.InRange(json.GetProperty("e").GetArrayLength(), 2, 3);
            Assert.All(json.GetProperty("e").EnumerateArray(), e => Assert.Equal(7, e.GetInt32()));
            Assert.Equal(GenerationSignature.Stop, text.Reason);
            Assert.DoesNotContain('\n', text.Text);
        }
    }

    [Fact]
    public async Task Answers_with_and_without_a_form_are_not_changed_by_each_other()
    {
        var plain = GenerativeModel.Chat("Hello there", 60);
        var expected = TinyDecoder.Continue(TinyDecoder.Prompt("Hello there"), 60);
        var schema = """{"type":"object","properties":{"a":{"enum":["one","two"]}},"required":["a"],"additionalProperties":false}""";
        var alone = (await GenerateAsync(Schema(schema, "x"))).Text;

        var together = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => GenerateAsync(i % 2 == 0 ? plain : Schema(schema, "x"))));

        Assert.All(together.Where((_, i) => i % 2 == 0), t => Assert.Equal(expected.Text, t.Text));
        Assert.All(together.Where((_, i) => i % 2 == 1), t => Assert.Equal(alone, t.Text));
    }

    /// <summary>What zod makes of <c>z.number().int()</c> has the first bounds.</summary>
    [Theory]
    [InlineData("integer", "\"minimum\":-9007199254740991,\"maximum\":9007199254740991", -9007199254740991, 9007199254740991)]
    [InlineData("integer", "\"exclusiveMinimum\":7,\"exclusiveMaximum\":9", 8, 8)]
    [InlineData("integer", "\"minimum\":-3,\"maximum\":12", -3, 12)]
    [InlineData("number", "\"minimum\":0.123456789,\"maximum\":0.987654321", 0.123456789, 0.987654321)]
    [InlineData("number", "\"minimum\":-9007199254740991,\"maximum\":9007199254740991", -9007199254740991, 9007199254740991)]
    public async Task Number_of_an_answer_is_within_its_bounds(string type, string bounds, double least, double most)
    {
        var schema = $"{{\"type\":\"array\",\"minItems\":3,\"maxItems\":3,\"items\":{{\"type\":\"{type}\",{bounds}}}}}";
        Assert.Null(GenerationSchema.Problem(JsonDocument.Parse(schema).RootElement));

        for (var i = 0; i < 4; i++)
        {
            // Decimals may go on for ever.
            var text = await GenerateAsync(Schema(schema, $"Question {i}"));
            var numbers = text.Text.Trim('[', ']').Split(',')[..(text.Reason == GenerationSignature.Stop ? 3 : ^1)];
            Assert.All(numbers, n => Assert.InRange(double.Parse(n, CultureInfo.InvariantCulture), least, most));
        }
    }

    [Theory]
    [InlineData("""{"type":"integer","minimum":5,"maximum":3}""")]
    [InlineData("""{"$ref":"#"}""")]
    [InlineData("""{"$ref":"#/$defs/none"}""")]
    [InlineData("""{"type":"string","minLength":5,"maxLength":3}""")]
    public async Task Schema_that_nothing_fits_is_refused_and_others_go_on(string schema)
    {
        var other = GenerateAsync(GenerativeModel.Chat("Hello there", 60));

        var refused = await Assert.ThrowsAsync<RefusedInputException>(() => GenerateAsync(Schema(schema, "x")));

        Assert.StartsWith("response_format: the schema can't be followed: ", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Equal(TinyDecoder.Continue(TinyDecoder.Prompt("Hello there"), 60).Text, (await other).Text);
    }

    [Fact]
    public async Task Largest_schemas_that_are_taken_do_not_hold_up_others()
    {
        var wide = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
            + string.Join(',', Enumerable.Range(1, GenerationSchema.MaxSchemas - 1).Select(i => $"\"p{i}\":{{\"type\":\"integer\"}}"))
            + "}}";
        var values = "{\"enum\":["
            + string.Join(',', Enumerable.Range(0, GenerationSchema.MaxValues).Select(i => $"\"value {i * 7919}\"")) + "]}";

        foreach (var schema in (string[])[wide, values])
        {
            Assert.Null(GenerationSchema.Problem(JsonDocument.Parse(schema).RootElement));
            var answer = await GenerateAsync(Schema(schema, "x"));
            Assert.True(answer.Tokens > 0);
        }
    }

    [Theory]
    [InlineData("weather")]
    [InlineData("time")]
    [InlineData(null)]
    public async Task Answer_that_has_to_be_a_call_is_one(string? tool)
    {
        var request = GenerativeModel.Chat("Hi", 200);
        (request.Tools, request.MustCall, request.Tool) = (JsonDocument.Parse(Tools).RootElement, true, tool);
        Assert.Null(request.Problem());

        var text = (await GenerateAsync(request)).Text;

        Assert.StartsWith("<tool_call>\n{", text, StringComparison.Ordinal);
        if (text.EndsWith("\n</tool_call>", StringComparison.Ordinal))
        {
            var call = JsonDocument.Parse(text["<tool_call>".Length..^"</tool_call>".Length]).RootElement;
            Assert.True(tool is null || call.GetProperty("name").GetString() == tool);
            Assert.Equal(JsonValueKind.Object, call.GetProperty("arguments").ValueKind);
        }
        else
        {
            // A number may go on for ever.
            Assert.Contains("\"days\":", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Tools_and_calls_reach_the_chat_template()
    {
        var request = GenerativeModel.Chat("Hi", 5);
        request.Tools = JsonDocument.Parse(Tools).RootElement;
        request.Messages =
        [
            .. request.Messages!,
            new("assistant", "")
            {
                ToolCalls = JsonDocument.Parse(
                    """[{"id":"1","type":"function","function":{"name":"weather","arguments":{"city":"Rome"}}}]""").RootElement,
            },
            new("tool", "sunny") { ToolCallId = "1" },
        ];
        const string Prompt = "<|im_start|>system\nweather\ntime\n<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
            + "<|im_start|>assistant\nweather Rome<|im_end|>\n<|im_start|>tool\nsunny<|im_end|>\n<|im_start|>assistant\n";

        var text = await GenerateAsync(request);

        Assert.Equal((TinyDecoder.Count(Prompt), TinyDecoder.Continue(Prompt, 5).Text), (text.PromptTokens, text.Text));
    }

    [Fact]
    public async Task Template_without_tools_is_given_none()
    {
        using var files = new GenerativeModel(TinyDecoder.Files());
        using var model = files.Open();
        var (tools, called) = (GenerativeModel.Chat("Hi", 5), GenerativeModel.Chat("Hi", 5));
        tools.Tools = JsonDocument.Parse(Tools).RootElement;
        called.Messages = [new("tool", "sunny") { ToolCallId = "1" }];

        foreach (var request in (GenerationRequest[])[tools, called])
        {
            var answer = new RunningAnswer(request, null);
            model.Start(answer);
            Assert.Equal(
                "tools: the chat template of the model takes none",
                (await Assert.ThrowsAsync<RefusedInputException>(() => answer.End)).Message);
        }
    }

    private static GenerationRequest Schema(string schema, string content)
    {
        var request = GenerativeModel.Chat(content, 400);
        request.JsonSchema = JsonDocument.Parse(schema).RootElement;
        Assert.Null(request.Problem());
        return request;
    }

    private Task<GeneratedText> GenerateAsync(GenerationRequest request)
    {
        var answer = new RunningAnswer(request, null);
        _model.Start(answer);
        return answer.End;
    }
}
