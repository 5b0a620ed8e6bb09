using System.Globalization;
using System.Text;

namespace InferenceTemplate.Tests.Shared;

/// <summary>Digits that the sample model was not trained on, with their labels.</summary>
public static class Digits
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "digits");

    /// <summary>The request of the README, as a file holds it.</summary>
    public static string ExampleRequest => File.ReadAllText(Path.Combine(Folder, "example-request.json"));

    /// <summary>64 pixels 0..16, row-major, and the digit they show.</summary>
    public static IReadOnlyList<(float[] Pixels, int Label)> HeldOut { get; } =
        [.. File.ReadLines(Path.Combine(Folder, "heldout.csv")).Skip(1).Select(Parse)];

    /// <summary>A request for some digits in one batch.</summary>
    public static StringContent Request(IEnumerable<float[]> images, string? id = null, string extra = "")
    {
        var batch = images.ToList();
        var data = string.Join(',', batch.SelectMany(i => i).Select(p => p.ToString(CultureInfo.InvariantCulture)));
        var idText = id is null ? "" : $"\"id\":\"{id}\",";
        return Json(
            $$"""{{{idText}}{{extra}}"inputs":[{"name":"image","shape":[{{batch.Count}},8,8],"datatype":"FP32","data":[{{data}}]}]}""");
    }

    public static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static (float[] Pixels, int Label) Parse(string line)
    {
        var numbers = line.Split(',').Select(n => float.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        return (numbers[1..], (int)numbers[0]);
    }
}
