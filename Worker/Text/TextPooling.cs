using System.Numerics;
using System.Runtime.InteropServices;

namespace InferenceTemplate.Worker.Text;

/// <summary>Makes one embedding of what a model gives for the tokens of a text.</summary>
internal static class TextPooling
{
    // As PyTorch's normalize has it: an embedding of zeros stays one.
    private const float LeastLength = 1e-12f;

    /// <param name="values">Row-major, a line of the embedding's size for each token.</param>
    /// <param name="tokens">Those that are the text's, before padding.</param>
    public static void Mean(ReadOnlySpan<float> values, int tokens, Span<float> embedding)
    {
        embedding.Clear();
        var sums = MemoryMarshal.Cast<float, Vector<float>>(embedding);
        for (var token = 0; token < tokens; token++)
        {
            var line = values.Slice(token * embedding.Length, embedding.Length);
            var added = MemoryMarshal.Cast<float, Vector<float>>(line);
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += added[i];
            }

            for (var i = sums.Length * Vector<float>.Count; i < embedding.Length; i++)
            {
                embedding[i] += line[i];
            }
        }

        Scale(embedding, 1f / tokens);
    }

    /// <summary>Brings it to length 1.</summary>
    public static void Normalize(Span<float> embedding)
    {
        var squares = 0.0;
        foreach (var value in embedding)
        {
            squares += (double)value * value;
        }

        Scale(embedding, (float)(1 / Math.Max(Math.Sqrt(squares), LeastLength)));
    }

    private static void Scale(Span<float> embedding, float factor)
    {
        for (var i = 0; i < embedding.Length; i++)
        {
            embedding[i] *= factor;
        }
    }
}
