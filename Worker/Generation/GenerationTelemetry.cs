using System.Diagnostics;
using System.Diagnostics.Metrics;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Worker.Generation;

/// <summary>Spans and metrics of generated text, by OpenTelemetry's conventions for generative AI. Texts themselves are in none.</summary>
internal sealed class GenerationTelemetry
{
    private const string Provider = "onnxruntime_genai";

    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _first;
    private readonly Histogram<double> _perToken;
    private readonly Histogram<long> _tokens;

    public GenerationTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Telemetry.Name);
        _duration = meter.CreateHistogram<double>("gen_ai.server.request.duration", "s", "Time to generate an answer, in its slot.");
        _first = meter.CreateHistogram<double>(
            "gen_ai.server.time_to_first_token", "s", "Time to the first token of an answer, in its slot.");
        _perToken = meter.CreateHistogram<double>(
            "gen_ai.server.time_per_output_token", "s", "Time for each token after the first.");
        _tokens = meter.CreateHistogram<long>("gen_ai.client.token.usage", "{token}", "Tokens of a prompt, and of its answer.");
    }

    /// <summary>Puts down an answer, also on the span of the run that is current.</summary>
    /// <param name="model">As callers name it.</param>
    public void Generated(string model, GenerationRequest request, GeneratedText text)
    {
        var operation = request.Messages is null ? "text_completion" : "chat";
        var tags = new TagList
        {
            { "gen_ai.operation.name", operation }, { "gen_ai.provider.name", Provider }, { "gen_ai.request.model", model },
        };
        _duration.Record(text.Total.TotalSeconds, tags);
        _first.Record(text.First.TotalSeconds, tags);
        if (text.Tokens > 1)
        {
            _perToken.Record((text.Total - text.First).TotalSeconds / (text.Tokens - 1), tags);
        }

        Record(text.PromptTokens, "input");
        Record(text.Tokens, "output");
        Activity.Current?
            .SetTag("gen_ai.operation.name", operation)
            .SetTag("gen_ai.provider.name", Provider)
            .SetTag("gen_ai.request.model", model)
            .SetTag("gen_ai.request.max_tokens", request.MaxTokens)
            .SetTag("gen_ai.request.temperature", request.Temperature)
            .SetTag("gen_ai.request.top_p", request.TopP)
            .SetTag("gen_ai.request.seed", request.Seed)
            .SetTag("gen_ai.response.finish_reasons", new[] { text.Reason })
            .SetTag("gen_ai.usage.input_tokens", text.PromptTokens)
            .SetTag("gen_ai.usage.output_tokens", text.Tokens);

        void Record(int tokens, string type)
        {
            var typed = tags;
            typed.Add("gen_ai.token.type", type);
            _tokens.Record(tokens, typed);
        }
    }
}
