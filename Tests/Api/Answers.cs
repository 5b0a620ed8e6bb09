using System.Text.Json;
using InferenceTemplate.Tests.Shared;

[assembly: AssemblyFixture(typeof(Platform))]

namespace InferenceTemplate.Tests.Api;

/// <summary>Reads of the protocol's answers.</summary>
internal static class Answers
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response)
    {
        await using var body = await response.Content.ReadAsStreamAsync();
        using var document = await JsonDocument.ParseAsync(body);
        return document.RootElement.Clone();
    }

    public static async Task<string> ErrorAsync(this HttpResponseMessage response)
    {
        var body = await response.JsonAsync();
        var property = Assert.Single(body.EnumerateObject());
        Assert.Equal("error", property.Name);
        return property.Value.GetString()!;
    }

    /// <summary>What problem details say.</summary>
    public static async Task<string> ProblemAsync(this HttpResponseMessage response) =>
        (await response.JsonAsync()).GetProperty("detail").GetString()!;

    public static JsonElement Output(this JsonElement answer, string name) =>
        answer.GetProperty("outputs").EnumerateArray().Single(o => o.GetProperty("name").GetString() == name);

    public static T[] Data<T>(this JsonElement output) => output.GetProperty("data").Deserialize<T[]>()!;
}
