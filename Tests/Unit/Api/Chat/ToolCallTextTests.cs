using System.Text.Json;
using InferenceTemplate.Api.Chat;

namespace InferenceTemplate.Tests.Unit;

public sealed class ToolCallTextTests
{
    private const string Call = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome <\"}}\n</tool_call>";

    [Theory]
    [InlineData("no call < at all <tool", "no call < at all <tool", 0)]
    [InlineData(Call, "", 1)]
    [InlineData("Let me see. " + Call, "Let me see. ", 1)]
    [InlineData(Call + "\n" + Call, "", 2)]
    [InlineData("<tool_call>{\"name\":\"weather\",\"arguments\":{}}", "", 1)]
    [InlineData("<tool_call>{\"name\":\"other\",\"arguments\":{}}</tool_call>",
        "<tool_call>{\"name\":\"other\",\"arguments\":{}}</tool_call>", 0)]
    [InlineData("<tool_call>{\"name\":\"weather\",\"arguments\":5}</tool_call>",
        "<tool_call>{\"name\":\"weather\",\"arguments\":5}</tool_call>", 0)]
    [InlineData("<tool_call>{\"name\":\"weather\"", "<tool_call>{\"name\":\"weather\"", 0)]
    [InlineData("<tool_call>[]</tool_call> b", "<tool_call>[]</tool_call> b", 0)]
    [InlineData("<tool_call></tool_call> b", "<tool_call></tool_call> b", 0)]
    [InlineData("<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"a</tool_call>b\"}}</tool_call>", "", 1)]
    public void Calls_are_told_from_text_wherever_it_is_cut(string generated, string text, int calls)
    {
        for (var size = 1; size <= generated.Length; size++)
        {
            var reader = new ToolCallText(new HashSet<string>(StringComparer.Ordinal) { "weather" });
            var (got, found) = ("", new List<ToolCall>());
            foreach (var piece in generated.Chunk(size))
            {
                var (certain, ended) = reader.Take(new string(piece));
                (got, found) = (got + certain, [.. found, .. ended]);
            }

            var (rest, last) = reader.Rest();
            found.AddRange(last);

            Assert.Equal(text, got + rest);
            Assert.Equal((calls, calls), (found.Count, reader.Count));
            Assert.All(found, c => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(c.Arguments).RootElement.ValueKind));
            Assert.Equal(found.Count, found.Select(c => c.Id).Distinct().Count());
        }
    }
}
