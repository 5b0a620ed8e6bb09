using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using InferenceTemplate.Bench.Models;

namespace InferenceTemplate.Bench.Chaos;

/// <summary>A request with inputs of its own, and the answer that it got before any fault: any other's is wrong for it.</summary>
internal sealed class Question
{
    public const int TimeoutSeconds = 5;

    // Of the same model in runs of other sizes, whose sums are added up in another order.
    private const double Tolerance = 1e-3;

    private readonly double[] _expected;

    private Question(string body, double[] expected)
    {
        Body = body;
        _expected = expected;
    }

    /// <summary>JSON, in one line.</summary>
    public string Body { get; }

    /// <summary>The same with a timeout.</summary>
    public string Call => $$"""{"parameters":{"timeout":{{TimeoutSeconds * 1_000_000}}},{{Body[1..]}}""";

    public static async Task<Question> AskAsync(HttpClient client, BenchModel model, int number)
    {
        var body = RequestOf(model, number);
        using var content = Content(body);
        using var response = await client.PostAsync(PathOf(model), content);
        response.EnsureSuccessStatusCode();
        using var answer = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
        return new(body, Values(answer.RootElement));
    }

    public static Uri PathOf(BenchModel model) => new($"/v2/models/{model.Name}/infer", UriKind.Relative);

    public static StringContent Content(string body) => new(body, new MediaTypeHeaderValue("application/json"));

    public bool IsAnsweredBy(JsonElement answer)
    {
        var values = Values(answer);
        return values.Length == _expected.Length && values.Zip(_expected).All(pair => Math.Abs(pair.First - pair.Second) < Tolerance);
    }

    private static string RequestOf(BenchModel model, int number)
    {
        var data = model.Data.Select((_, i) => model.Data[(i + (7 * number)) % model.Elements].ToString(CultureInfo.InvariantCulture));
        return $$"""{"inputs":[{"name":"{{model.Input}}","shape":[{{string.Join(',', model.Shape)}}],"datatype":"FP32","data":["""
            + string.Join(',', data)
            + $$"""]}],"outputs":[{"name":"{{model.Output}}"}]}""";
    }

    private static double[] Values(JsonElement answer) =>
        [.. answer.GetProperty("outputs")[0].GetProperty("data").EnumerateArray().Select(value => value.GetDouble())];
}
