using System.Globalization;
using System.Text.Json;

namespace InferenceTemplate.Tests.Shared;

/// <summary>A delivery that the model delivery-time was not trained on, and how long it took.</summary>
public sealed record Delivery(float[] Measures, long Vehicle, long Weekday, string District, float Minutes)
{
    public static readonly string[] MeasureNames = ["distance_km", "weight_kg", "rain_mm", "hour"];

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "delivery-time");

    /// <summary>The request of the card, as a file holds it.</summary>
    public static string ExampleRequest => File.ReadAllText(Path.Combine(Folder, "example-request.json"));

    public static IReadOnlyList<Delivery> HeldOut { get; } = [.. File.ReadLines(Path.Combine(Folder, "heldout.csv")).Skip(1).Select(Parse)];

    /// <summary>A request for some deliveries in one batch.</summary>
    public static string Request(IReadOnlyList<Delivery> deliveries)
    {
        var inputs = MeasureNames.Select((name, i) => Input(name, "FP32", deliveries.Select(d => d.Measures[i])))
            .Append(Input("vehicle", "INT64", deliveries.Select(d => d.Vehicle)))
            .Append(Input("weekday", "INT64", deliveries.Select(d => d.Weekday)))
            .Append(Input("district", "BYTES", deliveries.Select(d => d.District)));
        return $$"""{"inputs":[{{string.Join(',', inputs)}}]}""";

        string Input<T>(string name, string datatype, IEnumerable<T> data) =>
            $$"""{"name":"{{name}}","datatype":"{{datatype}}","shape":[{{deliveries.Count}}],"data":{{JsonSerializer.Serialize(data)}}}""";
    }

    private static Delivery Parse(string line)
    {
        var cells = line.Split(',');
        return new Delivery([.. cells[..4].Select(Number)], long.Parse(cells[4], CultureInfo.InvariantCulture),
            long.Parse(cells[5], CultureInfo.InvariantCulture), cells[6], Number(cells[7]));

        static float Number(string text) => float.Parse(text, CultureInfo.InvariantCulture);
    }
}
