namespace InferenceTemplate.Api.Inference;

/// <summary>Which outputs are answered as raw bytes behind the JSON: the binary tensor extension of the protocol.</summary>
/// <param name="byDefault">What <c>binary_data_output</c> of the request says.</param>
/// <param name="named">What <c>binary_data</c> of an output says, by the output's name: it goes before the request's.</param>
internal sealed class OutputForms(bool byDefault, IReadOnlyDictionary<string, bool> named)
{
    private static readonly Dictionary<string, bool> None = [];

    public static OutputForms Json { get; } = new(byDefault: false, None);

    public static OutputForms Binary { get; } = new(byDefault: true, None);

    public bool IsBinary(string output) => named.TryGetValue(output, out var binary) ? binary : byDefault;
}
