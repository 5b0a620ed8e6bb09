using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Text;

/// <summary>
/// Tries whether a model goes with what was declared of its text: where it does not, its answers would be wrong rather than missing.
/// </summary>
internal static class TextTrial
{
    private const int FewTokens = 5;

    // Padding may cost what another order of additions does, or another scale of a quantized layer; not another meaning.
    private const double LeastCosine = 0.99;

    /// <exception cref="ModelRefusedException">It does not; the message says why.</exception>
    public static void Run(ModelSession session, TextPipeline pipeline)
    {
        using var instance = (TextInstance)session.CreateInstance();
        var (settings, vocabulary) = (pipeline.Settings, pipeline.Vocabulary);
        _ = Embed(
            instance, [vocabulary.Cls, vocabulary.Count - 1, vocabulary.Sep], padding: 0,
            $"the vocabulary '{settings.Vocabulary}' has {vocabulary.Count} tokens, and the model failed on the last of them");
        _ = Embed(
            instance, Unknown(vocabulary, settings.MaxTokens), padding: 0,
            $"{TextSettings.FileName} allows {settings.MaxTokens} tokens, and the model failed on a text of as many");
        var few = Unknown(vocabulary, FewTokens);
        var alone = Embed(instance, few, padding: 0, $"the model failed on a text of {FewTokens} tokens");
        var padded = Embed(instance, few, settings.MaxTokens - FewTokens, "the model failed on a text with padding");
        if (alone.Length != padded.Length)
        {
            throw new ModelRefusedException(
                $"its embedding of one text has {alone.Length} numbers, and {padded.Length} where padding is behind it");
        }

        if (!(Cosine(alone, padded) >= LeastCosine))
        {
            throw new ModelRefusedException(
                "padding behind a text changes its embedding: the model does not heed its attention mask, or pooling is another than "
                + "it was made for");
        }
    }

    private static int[] Unknown(Vocabulary vocabulary, int tokens) =>
        [vocabulary.Cls, .. Enumerable.Repeat(vocabulary.Unknown, tokens - 2), vocabulary.Sep];

    private static float[] Embed(TextInstance instance, int[] tokens, int padding, string failure)
    {
        try
        {
            return instance.Embed([tokens], tokens.Length + padding, CancellationToken.None);
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or InvalidDataException)
        {
            throw new ModelRefusedException($"{failure}: {RuntimeMessage.Of(exception)}");
        }
    }

    private static double Cosine(float[] one, float[] other)
    {
        var (product, squaresOfOne, squaresOfOther) = (0.0, 0.0, 0.0);
        foreach (var (a, b) in one.Zip(other))
        {
            product += (double)a * b;
            squaresOfOne += (double)a * a;
            squaresOfOther += (double)b * b;
        }

        return product / Math.Sqrt(squaresOfOne * squaresOfOther);
    }
}
