using System.Text.Json;
using InferenceTemplate.Api.Chat;

namespace InferenceTemplate.Tests.Unit;

public sealed class ToolCallTextTests
{
    private const string Call = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome <\"}}\n</tool_call>";

    private static readonly HashSet<string> Names = new(StringComparer.Ordinal) { "weather" };

    [Theory]
    [InlineData(Call + "\n" + Call)]
    [InlineData("[TOOL_CALLS][{\"name\":\"weather\",\"arguments\":{}},{\"name\":\"weather\",\"arguments\":{}}]")]
    public void One_call_is_all_that_is_given_where_no_more_are_wanted(string generated)
    {
        for (var size = 1; size <= generated.Length; size++)
        {
            var reader = new ToolCallText(new(Names, Parallel: false));
            List<ToolCall> found = [.. generated.Chunk(size).SelectMany(piece => reader.Take(new string(piece)).Calls)];
            var (rest, last) = reader.Rest();

            Assert.Single([.. found, .. last]);
            Assert.Equal(("", 1), (rest, reader.Count));
        }
    }

    [Fact]
    public void Marks_of_an_end_among_the_arguments_cost_their_length_only()
    {
        const int Marks = 1000;
        var reader = new ToolCallText(new(Names, Parallel: true));
        reader.Take("<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":\"");
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Marks; i++)
        {
            Assert.Equal(("", 0), reader.Take("</tool_call>") is var (text, calls) ? (text, calls.Count) : default);
        }

        // The text so far for each, of two bytes a character.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2L * Marks * Marks * "</tool_call>".Length);
        var (_, found) = reader.Take("\"}}</tool_call>");

        Assert.Contains(string.Concat(Enumerable.Repeat("</tool_call>", Marks)), Assert.Single(found).Arguments, StringComparison.Ordinal);
    }

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
    [InlineData("{\"name\": \"weather\", \"parameters\": {\"city\": \"Rome\"}}", "", 1)]
    [InlineData("{\"type\": \"function\", \"name\": \"weather\", \"parameters\": {}}", "", 1)]
    [InlineData("{\"name\":\"weather\",\"parameters\":{}}; {\"name\":\"weather\",\"parameters\":{}}\n", "", 2)]
    [InlineData("[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {}}, {\"name\": \"weather\", \"arguments\": {}}]", "", 2)]
    [InlineData(" [{\"name\": \"weather\", \"arguments\": {}}]", "", 1)]
    [InlineData("[TOOL_CALLS] [{\"name\": \"weather\"", "[TOOL_CALLS] [{\"name\": \"weather\"", 0)]
    [InlineData("{\"name\":\"other\",\"parameters\":{}}", "{\"name\":\"other\",\"parameters\":{}}", 0)]
    [InlineData("{\"name\":\"weather\",\"parameters\":{}} is what I would call",
        "{\"name\":\"weather\",\"parameters\":{}} is what I would call", 0)]
    [InlineData("{\"names\": 5} " + Call, "{\"names\": 5} ", 1)]
    [InlineData("{\"name\": \"Bob\"}\n" + Call, "{\"name\": \"Bob\"}\n", 1)]
    [InlineData("{\"name\": \"Bob\"}\n" + Call + "\nAnd <tool", "{\"name\": \"Bob\"}\n\nAnd <tool", 1)]
    [InlineData("{\"name\": \"Bob\"}<tool_call>{\"name\":\"weather\",\"arguments\":{}}", "{\"name\": \"Bob\"}", 1)]
    [InlineData("{\"name\":\"weather\",\"parameters\":{},\"unit\":\"C\"}", "{\"name\":\"weather\",\"parameters\":{},\"unit\":\"C\"}", 0)]
    [InlineData("{\"type\":\"function\",\"id\":\"1\",\"name\":\"weather\",\"arguments\":{}}", "", 1)]
    [InlineData("{\"city\": 5}", "{\"city\": 5}", 0)]
    [InlineData("  ", "  ", 0)]
    public void Calls_are_told_from_text_wherever_it_is_cut(string generated, string text, int calls)
    {
        for (var size = 1; size <= generated.Length; size++)
        {
            var reader = new ToolCallText(new(Names, Parallel: true));
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
