namespace InferenceTemplate.Worker.Preprocessing;

/// <summary>Of what made-up requests consist where not any words will do.</summary>
/// <param name="Values">The first two each of one value all over.</param>
/// <param name="Bytes">What one of them becomes in the model's input.</param>
internal sealed record MadeUpElements(IReadOnlyList<byte[]> Values, int Bytes);
