namespace InferenceTemplate.Api.Inference;

/// <summary>
/// How outputs are answered: as raw bytes behind the JSON (the binary tensor extension of the protocol), or as the names of the highest
/// classes (the classification extension).
/// </summary>
/// <param name="byDefault">What <c>binary_data_output</c> of the request says.</param>
/// <param name="named">What <c>binary_data</c> of an output says, by the output's name: it goes before the request's.</param>
/// <param name="classes">What <c>classification</c> of an output says, by the output's name.</param>
internal sealed class OutputForms(bool byDefault, IReadOnlyDictionary<string, bool> named, IReadOnlyDictionary<string, int>? classes = null)
{
    private static readonly Dictionary<string, bool> None = [];

    public static OutputForms Json { get; } = new(byDefault: false, None);

    public static OutputForms Binary { get; } = new(byDefault: true, None);

    /// <summary>Whether any output is asked for as its highest classes.</summary>
    public bool HasClasses => classes is { Count: > 0 };

    public bool IsBinary(string output) => named.TryGetValue(output, out var binary) ? binary : byDefault;

    /// <summary>How many of the highest classes are asked for; 0 where the output itself is.</summary>
    public int ClassesOf(string output) => classes?.GetValueOrDefault(output) ?? 0;
}
