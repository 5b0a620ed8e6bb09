using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Playground;

/// <summary>
/// What the sample model of handwritten digits takes: pictures of 8 by 8 pixels from 0 to 16, the digit as high as the picture and at
/// most six pixels wide, as in its training data (models/train_digits.py).
/// </summary>
internal static class DrawnDigit
{
    public const int Cells = 8;
    public const int Columns = 6;
    public const int Brightest = 16;

    public static bool Fits(ModelVersion model) =>
        model.Name == "digits" && model.Inputs is [{ Datatype: "FP32", Shape: [_, Cells, Cells] }];

    public static TensorField Field(ModelVersion model, IReadOnlyList<int> pixels) =>
        new(model.Inputs[0]) { Shape = $"1, {Cells}, {Cells}", Data = $"[{string.Join(",", pixels)}]" };

    /// <summary>How probable each digit is; null where the answer does not say.</summary>
    public static double[]? Probabilities(InferAnswer answer) =>
        answer.Outputs.FirstOrDefault(o => o.Datatype == "FP32" && o.Data.GetArrayLength() == 10) is { } output
            ? [.. output.Data.EnumerateArray()
                .Select(value => value.ValueKind == System.Text.Json.JsonValueKind.Number ? value.GetDouble() : 0)]
            : null;
}
