using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Tests.Unit;

public sealed class GenerationSchemaTests
{
    [Theory]
    [InlineData("""{"type":"string","pattern":"(a*)*"}""", "'pattern' is not supported")]
    [InlineData("""{"type":"integer","multipleOf":9999999}""", "'multipleOf' is not supported")]
    [InlineData("""{"type":"string","format":"date"}""", "'format' is not supported")]
    [InlineData("""{"allOf":[]}""", "'allOf' is not supported")]
    [InlineData("""{"x-guidance":{}}""", "'x-guidance' is not supported")]
    [InlineData("""{"properties":{"a":{"items":{"not":{}}}}}""", "'not' is not supported")]
    [InlineData("""{"$ref":"http://example.com/x"}""", "only what is in the same schema")]
    [InlineData("""{"$defs":{"a":{}},"$ref":"#/$defs/a","anyOf":[{}]}""", "anyOf: '$ref' can't stand beside it")]
    [InlineData("""{"$ref":"#/$defs/a","items":{}}""", "$ref: 'items' can't stand beside it")]
    [InlineData("""{"items":{"anyOf":[{}],"enum":[1]}}""", "anyOf: 'enum' can't stand beside it")]
    [InlineData("""{"type":"array","minItems":1001}""", "minItems: 0 to 1000 expected")]
    [InlineData("""{"type":"string","maxLength":-1}""", "maxLength: 0 to 1000 expected")]
    [InlineData("""{"type":"integer","minimum":"1"}""", "minimum: a number from -9007199254740991 to 9007199254740991 with up to 9 decimals")]
    [InlineData("""{"type":"integer","maximum":9007199254740992}""", "maximum: a number from")]
    [InlineData("""{"type":"number","exclusiveMinimum":0.0000000001}""", "exclusiveMinimum: a number from")]
    [InlineData("""{"type":"number","exclusiveMaximum":1e-300}""", "exclusiveMaximum: a number from")]
    [InlineData("""{"type":"number","minimum":-1e300}""", "minimum: a number from")]
    [InlineData("""{"type":"number","exclusiveMinimum":true}""", "exclusiveMinimum: a number from")]
    [InlineData("""{"type":"date"}""", "type: one of object")]
    [InlineData("""{"enum":[]}""", "enum: an array of values expected")]
    [InlineData("""{"properties":[]}""", "properties: an object expected")]
    [InlineData("""{"anyOf":[5]}""", "a schema is an object")]
    [InlineData("[]", "a schema is an object")]
    [InlineData("""{"$defs":{"a\u0000":{"if":{}}}}""", "'if' is not supported")]
    public void What_can_not_be_followed_in_bounded_time_is_named(string schema, string problem) =>
        Assert.Contains(problem, GenerationSchema.Problem(Json(schema)), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}""")]
    [InlineData("""{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1.5e2}""")]
    [InlineData("""{"type":"number","minimum":-0.123456789,"maximum":0.0}""")]
    public void Bounds_of_numbers_are_taken(string schema) => Assert.Null(GenerationSchema.Problem(Json(schema)));

    [Theory]
    [InlineData("""{"type":"object","anyOf":[{"properties":{"a":{}}},{"type":"null"}],"title":"T","description":"d","default":null}""")]
    [InlineData("""{"$defs":{"a":{"type":"string","const":"x","enum":["x"]}},"$ref":"#/$defs/a","description":"d"}""")]
    public void Alternatives_stand_beside_what_describes_them(string schema) => Assert.Null(GenerationSchema.Problem(Json(schema)));

    [Fact]
    public void Limits_hold_at_their_ends()
    {
        string Deep(int levels) => levels == 1 ? "{\"type\":\"null\"}" : $"{{\"items\":{Deep(levels - 1)}}}";
        string Wide(int schemas) =>
            "{\"properties\":{" + string.Join(',', Enumerable.Range(1, schemas - 1).Select(i => $"\"p{i}\":{{}}")) + "}}";
        string Values(int count) => $"{{\"enum\":[{string.Join(',', Enumerable.Range(0, count))}]}}";
        string Long(int length) => $"{{\"title\":\"{new string('x', length - "{\"title\":\"\"}".Length)}\"}}";

        Assert.All(
            (string[])[
                Deep(GenerationSchema.MaxDepth), Wide(GenerationSchema.MaxSchemas), Values(GenerationSchema.MaxValues),
                Long(GenerationSchema.MaxBytes)],
            schema => Assert.Null(GenerationSchema.Problem(Json(schema))));
        Assert.Contains("nested more than 16 deep", Wrong(Deep(GenerationSchema.MaxDepth + 1)), StringComparison.Ordinal);
        Assert.Contains("more than 400 schemas", Wrong(Wide(GenerationSchema.MaxSchemas + 1)), StringComparison.Ordinal);
        Assert.Contains("more than 1000 values", Wrong(Values(GenerationSchema.MaxValues + 1)), StringComparison.Ordinal);
        Assert.Contains("more than 32768 characters", Wrong(Long(GenerationSchema.MaxBytes + 1)), StringComparison.Ordinal);
    }

    [Fact]
    public void Tools_have_limits_too()
    {
        string Tool(string more) => "{\"type\":\"function\",\"function\":{\"name\":\"f\"" + more + "}}";
        string Deep(int levels) => levels == 0 ? "{}" : $"{{\"a\":{Deep(levels - 1)}}}";

        Assert.Null(GenerationTools.Problem(Json($"[{Tool("")}]")));
        var nothing = Json($"[{Tool(",\"parameters\":null")}]");
        Assert.Null(GenerationTools.Problem(nothing));
        Assert.Null(Assert.Single(GenerationTools.Functions(nothing)).Parameters);
        Assert.Contains("1 to 128 functions", GenerationTools.Problem(Json("[" + string.Join(',', Enumerable.Repeat(Tool(""), 129)) + "]")),
            StringComparison.Ordinal);
        Assert.Contains("more than 65536 characters", GenerationTools.Problem(
            Json($"[{Tool($",\"description\":\"{new string('x', 65536)}\"")}]")), StringComparison.Ordinal);
        Assert.Contains("nested more than 24 deep", GenerationTools.Problem(Json($"[{Tool($",\"parameters\":{Deep(24)}")}]")),
            StringComparison.Ordinal);
        Assert.Contains("U+0000", GenerationTools.Problem(Json($"[{Tool(",\"description\":\"a\\u0000\"")}]")), StringComparison.Ordinal);
        Assert.StartsWith("tools[0].function.parameters: ", GenerationTools.Problem(
            Json($"[{Tool(",\"parameters\":{\"type\":\"string\"}")}]")), StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_cost_what_the_settings_say_and_nothing_else()
    {
        var settings = new ModelSettings { PricePerMillionPromptTokens = 0.15m, PricePerMillionCompletionTokens = 0.6m };

        Assert.Equal(0.00021m, CostShare.OfTokens(new TokenUse(1000, 100), settings));
        Assert.Equal(0, CostShare.OfTokens(new TokenUse(1000, 100), new ModelSettings()));
    }

    private static string? Wrong(string schema) => GenerationSchema.Problem(Json(schema));

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
