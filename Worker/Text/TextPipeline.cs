using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Worker.Text;

/// <summary>What stands between callers, who send text and get embeddings, and a model that takes tokens and gives numbers.</summary>
internal sealed class TextPipeline : IPreprocessor
{
    private const string InputIds = "input_ids";
    private const string AttentionMask = "attention_mask";
    private const string TokenTypes = "token_type_ids";

    // Those of [CLS] and [SEP].
    private const int Specials = 2;

    private readonly WordPieceTokenizer _tokenizer;

    private TextPipeline(TextSettings settings, Vocabulary vocabulary)
    {
        (Settings, Vocabulary) = (settings, vocabulary);
        _tokenizer = new WordPieceTokenizer(vocabulary, settings.Lowercase);
    }

    public TextSettings Settings { get; }

    public Vocabulary Vocabulary { get; }

    /// <summary>The pipeline that the files beside a model's own declare.</summary>
    /// <exception cref="ModelRefusedException">They declare one that can't be; the message says why.</exception>
    public static TextPipeline Read(string modelPath, ExternalFiles beside)
    {
        var path = Preprocessors.PathBeside(modelPath, TextSettings.FileName);
        var settings = TextSettings.Read(path);
        if (!beside.Has(settings.Vocabulary))
        {
            throw new ModelRefusedException(
                $"the vocabulary '{settings.Vocabulary}' that {TextSettings.FileName} names is not there, or a link; upload it too");
        }

        return new(settings, Vocabulary.Read(Path.Combine(Path.GetDirectoryName(path)!, settings.Vocabulary), settings.Vocabulary));
    }

    /// <inheritdoc/>
    public IModelInstance Over(ModelInstance instance, ModelSignature model) => new TextInstance(instance, model, this);

    public string? ImageInputOf(ModelSignature signature) => null;

    public Tensor[] Example(ModelSignature signature) =>
        [new(EmbeddingSignature.Text, Datatype.Bytes, [1], "\u0004\0\0\0text"u8.ToArray())];

    public MadeUpElements? ElementsOf(string input) => null;

    public void Try(ModelSession session) => TextTrial.Run(session, this);

    /// <inheritdoc/>
    public ModelSignature SignatureOver(ModelSignature model)
    {
        foreach (var input in model.Inputs)
        {
            if (input.Name is not (InputIds or AttentionMask or TokenTypes))
            {
                throw Unfit($"its input '{input.Name}' is none of {InputIds}, {AttentionMask} and {TokenTypes}");
            }

            if (input is not { Datatype: Datatype.Int64, Shape: [TensorShape.Variable, TensorShape.Variable] })
            {
                throw Unfit(
                    $"its input '{input.Name}' is {input.Datatype.Name()} {TensorShape.Format(input.Shape)}, INT64 [-1,-1] expected");
            }
        }

        if (Array.Find([InputIds, AttentionMask], name => model.Inputs.All(i => i.Name != name)) is { } missing)
        {
            throw Unfit($"it has no input '{missing}'");
        }

        return new ModelSignature(
            [new(EmbeddingSignature.Text, Datatype.Bytes, [TensorShape.Variable])],
            [
                new(EmbeddingSignature.Embedding, Datatype.Fp32, [TensorShape.Variable, model.Outputs[OutputOf(model)].Shape[^1]]),
                new(EmbeddingSignature.TokenCount, Datatype.Int64, [TensorShape.Variable]),
            ]);
    }

    /// <summary>Which of the model's outputs becomes the embedding.</summary>
    /// <exception cref="ModelRefusedException">None could.</exception>
    public int OutputOf(ModelSignature model)
    {
        var dimensions = Settings.Pooling == TextSettings.None ? 2 : 3;
        var found = Array.FindIndex(model.Outputs, o => (Settings.Output is null || o.Name == Settings.Output)
            && o.Datatype == Datatype.Fp32 && o.Shape.Length == dimensions);
        return found >= 0
            ? found
            : throw Unfit($"pooling '{Settings.Pooling}' wants an output of FP32 with {dimensions} dimensions"
                + (Settings.Output is null ? "" : $" called '{Settings.Output}'")
                + $"; it has {string.Join(", ", model.Outputs.Select(Described))}");
    }

    /// <summary>The tokens of each text of a request, [CLS] and [SEP] around them; what comes as tokens is taken as it is.</summary>
    /// <exception cref="RefusedInputException">
    /// There are too many texts, or one is empty, too long or not UTF-8, or has a token that there is not.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was ended, between two texts.</exception>
    public IEnumerable<int[]> Tokenize(Tensor text, CancellationToken terminate)
    {
        if (text.ElementCount is < 1 or > EmbeddingSignature.MaxTexts)
        {
            throw new RefusedInputException(
                $"input '{text.Name}' has {text.ElementCount} texts; 1 to {EmbeddingSignature.MaxTexts} are possible");
        }

        return TextTensor.Elements(text.Data).Select((element, index) =>
        {
            terminate.ThrowIfCancellationRequested();
            try
            {
                return Tokenize(element.Span);
            }
            catch (RefusedInputException exception)
            {
                throw new RefusedInputException(EmbeddingSignature.Refusal(index, exception.Message));
            }
        });
    }

    /// <summary>The inputs of the model for texts whose tokens are brought to one length.</summary>
    public Tensor[] Inputs(ModelSignature model, IReadOnlyList<int[]> texts, int length)
    {
        long[] shape = [texts.Count, length];
        var (ids, mask) = (new long[texts.Count * length], new long[texts.Count * length]);
        for (var row = 0; row < texts.Count; row++)
        {
            var tokens = texts[row];
            var line = ids.AsSpan(row * length, length);
            for (var i = 0; i < tokens.Length; i++)
            {
                line[i] = tokens[i];
            }

            line[tokens.Length..].Fill(Vocabulary.Padding);
            mask.AsSpan(row * length, tokens.Length).Fill(1);
        }

        return [.. model.Inputs.Select(input => input.Name switch
        {
            InputIds => Numbers(InputIds, shape, ids),
            AttentionMask => Numbers(AttentionMask, shape, mask),
            _ => Numbers(TokenTypes, shape, new long[ids.Length]),
        })];
    }

    private int[] Tokenize(ReadOnlySpan<byte> element)
    {
        try
        {
            return EmbeddingSignature.TokensOf(element) is { } tokens ? Checked(tokens) : TokenizeText(element);
        }
        catch (InvalidDataException exception)
        {
            throw new RefusedInputException(exception.Message);
        }
    }

    private int[] Checked(int[] tokens)
    {
        if (tokens.Length == 0)
        {
            throw new RefusedInputException("is empty: it has no token");
        }

        if (Array.FindIndex(tokens, id => id < 0 || id >= Vocabulary.Count) is >= 0 and var wrong)
        {
            throw new RefusedInputException(
                $"has the token id {tokens[wrong]} at {wrong}; those of the model are 0 to {Vocabulary.Count - 1}: send text, unless the ids "
                + "are of the model's own tokenizer (LangChain: check_embedding_ctx_length=False)");
        }

        return tokens.Length <= Settings.MaxTokens ? tokens
            : Settings.TooLong == TextSettings.Truncate ? [.. tokens[..(Settings.MaxTokens - 1)], LastOf(tokens)]
            : throw TooLong();
    }

    private int[] TokenizeText(ReadOnlySpan<byte> utf8)
    {
        var most = Settings.MaxTokens - Specials;
        var pieces = new List<int>();
        _tokenizer.Encode(utf8, most, pieces);
        if (utf8.IsEmpty)
        {
            throw new RefusedInputException("is empty");
        }

        if (pieces.Count > most && Settings.TooLong == TextSettings.Refuse)
        {
            throw TooLong();
        }

        return [Vocabulary.Cls, .. pieces.Take(most), Vocabulary.Sep];
    }

    // As of a text that is cut, whose end is told all the same.
    private int LastOf(int[] tokens) => tokens[^1] == Vocabulary.Sep ? Vocabulary.Sep : tokens[Settings.MaxTokens - 1];

    private RefusedInputException TooLong() => new(
        $"has more than {Settings.MaxTokens} tokens: shorten it, or have the model cut such texts off "
        + $"(too_long in its {TextSettings.FileName})");

    private static Tensor Numbers(string name, long[] shape, long[] numbers)
    {
        var bytes = new byte[numbers.Length * sizeof(long)];
        Buffer.BlockCopy(numbers, 0, bytes, 0, bytes.Length);
        return new Tensor(name, Datatype.Int64, shape, bytes);
    }

    private static string Described(TensorSignature output) =>
        $"'{output.Name}' {output.Datatype.Name()} {TensorShape.Format(output.Shape)}";

    private static ModelRefusedException Unfit(string reason) =>
        new($"{TextSettings.FileName} says that the model takes tokens of text, but {reason}");
}
