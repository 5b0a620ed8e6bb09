namespace InferenceTemplate.Api.Embeddings;

/// <summary>How near embeddings are to each other.</summary>
internal static class Similarity
{
    public static double Product(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        var sum = 0.0;
        for (var i = 0; i < one.Length; i++)
        {
            sum += (double)one[i] * other[i];
        }

        return sum;
    }

    /// <summary>-1 to 1; 0 where one of them is all zeros.</summary>
    public static double Cosine(ReadOnlySpan<float> one, ReadOnlySpan<float> other) =>
        Math.Sqrt(Product(one, one) * Product(other, other)) is var lengths && lengths > 0 ? Product(one, other) / lengths : 0;
}
