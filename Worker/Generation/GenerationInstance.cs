using System.Text;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Generation;

/// <summary>
/// A slot of a model that generates text: its thread waits for one answer after the other, while the model's own makes them.
/// </summary>
internal sealed class GenerationInstance(GenerationModel model) : IModelInstance
{
    public bool SplitsBatches => false;

    /// <summary>Where parts of the next answer go, if its request wants any; called on the model's thread.</summary>
    public Action<string>? Parts { get; set; }

    /// <summary>Called with each answer, on the thread of the run.</summary>
    public Action<GenerationRequest, GeneratedText>? Generated { get; set; }

    /// <summary>How long the model has computed for the last answer alone; other slots had their turns between.</summary>
    public TimeSpan Computed { get; private set; }

    /// <summary>A request that each such model takes; its second token is the first that comes by the KV cache.</summary>
    public static Tensor[] Example { get; } = [GenerationSignature.RequestOf(new GenerationRequest { Prompt = "a", MaxTokens = 2 })];

    /// <summary>One for the chat template, where it has one.</summary>
    public static Tensor[] ChatExample { get; } = [GenerationSignature.RequestOf(new GenerationRequest { Messages = [new("user", "a")], MaxTokens = 1 })];

    /// <inheritdoc/>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyList<Tensor[]> batch, IReadOnlyList<int>? outputs = null, Action? assembled = null, CancellationToken terminate = default)
    {
        var request = Read(batch[0][0]);
        assembled?.Invoke();
        terminate.ThrowIfCancellationRequested();
        var answer = new RunningAnswer(request, request.Stream ? Parts : null);
        using var ending = terminate.UnsafeRegister(static answer => ((RunningAnswer)answer!).Cancel(), answer);
        model.Start(answer);
        var text = answer.End.GetAwaiter().GetResult();
        Computed = text.Computed;
        Generated?.Invoke(request, text);
        return Values(text, outputs);
    }

    public void Dispose()
    {
        // It has nothing of its own.
    }

    private static GenerationRequest Read(Tensor request)
    {
        try
        {
            return GenerationRequest.Read(TextTensor.Elements(request.Data).Single().Span);
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
        {
            throw new RefusedInputException(exception.Message);
        }
    }

    private static GeneratedValues Values(GeneratedText text, IReadOnlyList<int>? outputs)
    {
        var values = new GeneratedValues();
        foreach (var output in outputs ?? [0, 1, 2])
        {
            values.Add(GenerationSignature.Signature.Outputs[output].Name switch
            {
                GenerationSignature.Text => TextOf(text.Text),
                GenerationSignature.FinishReason => TextOf(text.Reason),
                _ => OrtValue.CreateTensorValueFromMemory((long[])[text.PromptTokens, text.Tokens], [2]),
            });
        }

        return values;
    }

    private static OrtValue TextOf(string text)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [1]);
        value.StringTensorSetElementAt(Encoding.UTF8.GetBytes(text), 0);
        return value;
    }

    private sealed class GeneratedValues : List<OrtValue>, IDisposableReadOnlyCollection<OrtValue>
    {
        public void Dispose() => ForEach(value => value.Dispose());
    }
}
