namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// Operators with which trying proves nothing: what they do to a row may depend on chance, or on values that nobody tried.
/// </summary>
internal static class BatchOperators
{
    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
    {
        ["RandomNormal"] = Random,
        ["RandomNormalLike"] = Random,
        ["RandomUniform"] = Random,
        ["RandomUniformLike"] = Random,
        ["Multinomial"] = Random,
        ["Bernoulli"] = Random,
        ["Sampling"] = Random,
        ["If"] = Branches,
        ["Loop"] = Branches,
        ["GreedySearch"] = Branches,
        ["BeamSearch"] = Branches,
        ["WhisperBeamSearch"] = Branches,
        ["NonZero"] = Shapes,
        ["Unique"] = Shapes,
        ["Compress"] = Shapes,
        ["NonMaxSuppression"] = Shapes,
        ["DynamicQuantizeLinear"] = Measures,
        ["DynamicQuantizeMatMul"] = Measures,
        ["DynamicQuantizeLSTM"] = Measures,
    };

    private const string Random = "gives random values";
    private const string Branches = "takes branches by values";
    private const string Shapes = "makes as many rows as the values say";
    private const string Measures = "scales by the range of the whole batch";

    /// <summary>Why a model with these operators is not tried; null where it can be.</summary>
    public static string? Refusal(IEnumerable<string> operators) =>
        operators.Order(StringComparer.Ordinal).FirstOrDefault(Reasons.ContainsKey) is { } found
            ? $"its operator {found} {Reasons[found]}"
            : null;
}
