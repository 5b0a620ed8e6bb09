using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Text;

/// <summary>
/// Makes runs of a model over text. The texts of a batch run in groups of one padded length, each so small that memory is likely to be
/// there for it; their embeddings come back in the order of the texts.
/// </summary>
/// <param name="model">Its own inputs and outputs.</param>
internal sealed class TextInstance(ModelInstance instance, ModelSignature model, TextPipeline pipeline) : IModelInstance
{
    // Of one run of the model, padding included. A large model keeps some tens of KiB for each token, and for each pair of tokens of one
    // text a number for each head of attention: the former bounds a run of texts of up to 512 tokens, the latter one of longer texts.
    private const int MaxTokensOfRun = 16_384;
    private const int MaxPairsOfRun = 512 * MaxTokensOfRun;

    private readonly int[] _output = [pipeline.OutputOf(model)];

    public bool SplitsBatches => true;

    /// <inheritdoc/>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyList<Tensor[]> batch, IReadOnlyList<int>? outputs = null, Action? assembled = null, CancellationToken terminate = default)
    {
        var texts = Tokenize(batch, terminate);
        assembled?.Invoke();
        var values = new RunValues();
        try
        {
            foreach (var output in outputs ?? [0, 1])
            {
                values.Add(output == 0 ? Embed(texts, terminate) : Counts(texts));
            }

            return values;
        }
        catch
        {
            values.Dispose();
            throw;
        }
    }

    public void Dispose() => instance.Dispose();

    // Each request by itself, so that the mistake of one caller is known from the others'.
    private List<int[]> Tokenize(IReadOnlyList<Tensor[]> batch, CancellationToken terminate)
    {
        List<int[]> texts = [];
        Dictionary<int, string> refused = [];
        for (var request = 0; request < batch.Count; request++)
        {
            try
            {
                texts.AddRange(pipeline.Tokenize(batch[request][0], terminate));
            }
            catch (RefusedInputException exception)
            {
                refused.Add(request, exception.Message);
            }
        }

        return refused.Count == 0 ? texts : throw new RefusedInputException(refused);
    }

    private static OrtValue Counts(List<int[]> texts) =>
        OrtValue.CreateTensorValueFromMemory(texts.ConvertAll(tokens => (long)tokens.Length).ToArray(), [texts.Count]);

    /// <summary>Texts of one padded length that run at once.</summary>
    public static int TextsOfRun(int length) => Math.Min(MaxTokensOfRun / length, Math.Max(1, MaxPairsOfRun / (length * length)));

    /// <summary>The embeddings of texts in one run of the model, one behind the other.</summary>
    /// <param name="texts">Their tokens.</param>
    /// <param name="length">To which they are padded.</param>
    public float[] Embed(IReadOnlyList<int[]> texts, int length, CancellationToken terminate)
    {
        using var run = instance.Run([pipeline.Inputs(model, texts, length)], _output, terminate: terminate);
        var shape = run[0].GetTensorTypeAndShape().Shape;
        var dimensions = (int)shape[^1];
        long[] expected = pipeline.Settings.Pooling == TextSettings.None ? [texts.Count, dimensions] : [texts.Count, length, dimensions];
        if (dimensions == 0 || !shape.AsSpan().SequenceEqual(expected))
        {
            // Whose a number is can only be told where there is one line for each text, or for each of its tokens.
            throw new InvalidDataException(
                $"its output has the shape {TensorShape.Format(shape)} for {texts.Count} texts of {length} tokens");
        }

        var values = run[0].GetTensorDataAsSpan<float>();
        var embeddings = new float[texts.Count * dimensions];
        for (var i = 0; i < texts.Count; i++)
        {
            var first = i * (values.Length / texts.Count);
            Pool(values[first..], texts[i].Length, embeddings.AsSpan(i * dimensions, dimensions));
        }

        return embeddings;
    }

    private OrtValue Embed(List<int[]> texts, CancellationToken terminate)
    {
        float[] all = [];
        var dimensions = 0;
        var groups = Enumerable.Range(0, texts.Count).GroupBy(i => PaddedLength.Of(texts[i].Length, pipeline.Settings.MaxTokens));
        foreach (var group in groups)
        {
            foreach (var rows in group.Chunk(TextsOfRun(group.Key)))
            {
                var embeddings = Embed([.. rows.Select(row => texts[row])], group.Key, terminate);
                if (all.Length == 0)
                {
                    dimensions = embeddings.Length / rows.Length;
                    all = new float[texts.Count * dimensions];
                }
                else if (embeddings.Length != rows.Length * dimensions)
                {
                    throw new InvalidDataException(
                        $"its embeddings have {dimensions} numbers for some texts and {embeddings.Length / rows.Length} for others");
                }

                for (var i = 0; i < rows.Length; i++)
                {
                    embeddings.AsSpan(i * dimensions, dimensions).CopyTo(all.AsSpan(rows[i] * dimensions));
                }
            }
        }

        return OrtValue.CreateTensorValueFromMemory(all, [texts.Count, dimensions]);
    }

    private void Pool(ReadOnlySpan<float> values, int tokens, Span<float> embedding)
    {
        if (pipeline.Settings.Pooling == TextSettings.Mean)
        {
            TextPooling.Mean(values, tokens, embedding);
        }
        else
        {
            values[..embedding.Length].CopyTo(embedding);
        }

        if (pipeline.Settings.Normalize)
        {
            TextPooling.Normalize(embedding);
        }
    }
}
