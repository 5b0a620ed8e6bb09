using System.Diagnostics;
using System.Text.Json.Serialization;
using InferenceTemplate.Core.Generation;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace InferenceTemplate.Worker.Generation;

/// <summary>The state of one answer in ONNX Runtime GenAI: its KV cache, and how tokens become its text.</summary>
internal sealed class Sequence : IDisposable
{
    // Those that GenAI draws from where nothing else is said.
    private const int UsualTopK = 50;

    // Of a prompt in one run: its logits are kept, all of the vocabulary's for each token.
    private const int MaxTokensOfRun = 512;

    private readonly RunningAnswer _answer;
    private readonly int[] _ends;
    private readonly int _most;
    private readonly Generator _generator;
    private readonly TokenizerStream _stream;

    /// <param name="length">Of the prompt and the answer, in tokens.</param>
    public Sequence(Model model, Tokenizer tokenizer, RunningAnswer answer, ReadOnlySpan<int> prompt, int length)
    {
        (_answer, _most, _ends) = (answer, length - prompt.Length, tokenizer.GetEosTokenIds().ToArray());
        using var search = new GeneratorParams(model);
        search.SetSearchOption("max_length", length);
        search.SetSearchOption("chunk_size", MaxTokensOfRun);
        Set(search, answer.Request);
        try
        {
            AnswerForm.Set(search, answer.Request);
            _generator = new Generator(model, search);
        }
        catch (OnnxRuntimeGenAIException exception)
        {
            throw AnswerForm.Explained(answer.Request, exception);
        }

        try
        {
            var start = Stopwatch.GetTimestamp();
            _generator.AppendTokens(prompt);
            answer.Count(start);
            _stream = tokenizer.CreateStream();
        }
        catch
        {
            _generator.Dispose();
            throw;
        }
    }

    /// <summary>Generates one token.</summary>
    /// <returns>False where the answer has ended, and its caller knows how.</returns>
    public bool Step()
    {
        if (_answer.IsCancelled)
        {
            Fail(new OperationCanceledException("The answer was ended."));
            return false;
        }

        try
        {
            var start = Stopwatch.GetTimestamp();
            _generator.GenerateNextToken();
            var token = _generator.GetNextTokens()[0];
            _answer.Count(start);
            if (Array.IndexOf(_ends, token) >= 0)
            {
                AnswerForm.Check(_answer.Request, _answer.Text);
                _answer.Complete(GenerationSignature.Stop);
                return false;
            }

            _answer.Add(_stream.Decode(token));
            if (_answer.IsStopped || _answer.Tokens >= _most)
            {
                _answer.Complete(_answer.IsStopped ? GenerationSignature.Stop : GenerationSignature.Length);
                return false;
            }

            return true;
        }
        catch (Exception exception)
        {
            Fail(AnswerForm.Explained(_answer.Request, exception));
            return false;
        }
    }

    public void Fail(Exception exception) => _answer.Fail(exception);

    public void Dispose()
    {
        _stream.Dispose();
        _generator.Dispose();
    }

    // What a request does not say, the model's configuration does.
    private static void Set(GeneratorParams search, GenerationRequest request)
    {
        if (request.Temperature == 0 || request.TopP == 0)
        {
            search.SetSearchOption("do_sample", false);
        }
        else if (request.Temperature is not null || request.TopP is not null)
        {
            search.SetSearchOption("do_sample", true);
            if (search.GetSearchNumber("top_k") == 1)
            {
                search.SetSearchOption("top_k", UsualTopK);
            }
        }

        if (request.Temperature > 0)
        {
            search.SetSearchOption("temperature", request.Temperature.Value);
        }

        if (request.TopP > 0)
        {
            search.SetSearchOption("top_p", request.TopP.Value);
        }

        if (request.Seed is { } seed)
        {
            search.SetSearchOption("random_seed", (int)(seed & int.MaxValue));
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GenerationMessage[]))]
internal sealed partial class GenerationTemplateJson : JsonSerializerContext;
