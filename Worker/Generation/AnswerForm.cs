using System.Globalization;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace InferenceTemplate.Worker.Generation;

/// <summary>
/// The grammar that an answer is held to, token by token: JSON by a schema, or a call of a tool. Without spaces between, since of those a
/// model may write as many as it likes.
/// </summary>
internal static class AnswerForm
{
    private const int MaxReason = 200;
    private const string WithoutSpaces = "\"x-guidance\":{\"whitespace_flexible\":false}";

    public static void Set(GeneratorParams search, GenerationRequest request)
    {
        if (request.JsonSchema is { } schema)
        {
            search.SetGuidance("json_schema", Compact(schema));
        }
        else if (request.MustCall)
        {
            search.SetGuidance("lark_grammar", CallOf(request));
        }
    }

    /// <summary>The error for the caller, where the library could not follow the grammar.</summary>
    public static Exception Explained(GenerationRequest request, Exception exception)
    {
        if (FieldOf(request) is not { } field || exception is not OnnxRuntimeGenAIException
            || RunFailures.Classify(exception) != RunFailure.Input)
        {
            return exception;
        }

        // Behind the first line is what the model has written.
        var reason = exception.Message.Split('\n')[0];
        return new RefusedInputException(
            $"{field}: the schema can't be followed: {(reason.Length > MaxReason ? reason[..MaxReason] : reason)}");
    }

    /// <summary>Throws where an answer that has ended is none of its form: a schema that refers to itself alone permits nothing.</summary>
    public static void Check(GenerationRequest request, string text)
    {
        // Before a stop text anything may be missing.
        if (request.JsonSchema is null || request.Stop.Length > 0)
        {
            return;
        }

        try
        {
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = int.MaxValue });
        }
        catch (JsonException)
        {
            throw new RefusedInputException("response_format: the schema can't be followed: no JSON fits it");
        }
    }

    private static string? FieldOf(GenerationRequest request) =>
        request.JsonSchema is not null ? "response_format" : request.MustCall ? "tool_choice" : null;

    private static string CallOf(GenerationRequest request)
    {
        var functions = GenerationTools.Functions(request.Tools!.Value).Where(f => request.Tool is null || f.Name == request.Tool).ToList();
        var lark = new StringBuilder("start: ").AppendJoin(" | ", functions.Select((_, i) => $"call{i}")).Append('\n');
        for (var i = 0; i < functions.Count; i++)
        {
            var (name, parameters) = functions[i];
            lark.Append(CultureInfo.InvariantCulture, $"call{i}: \"{GenerationTools.Open}\\n{{\\\"name\\\": \\\"{name}\\\", ")
                .Append(CultureInfo.InvariantCulture, $"\\\"arguments\\\": \" of{i} \"}}\\n{GenerationTools.Close}\"\n")
                .Append(CultureInfo.InvariantCulture, $"of{i}: %json {ArgumentsOf(parameters)}\n");
        }

        return lark.ToString();
    }

    private static string Compact(JsonElement schema) =>
        schema.EnumerateObject().Any() ? $"{{{WithoutSpaces},{schema.GetRawText().AsSpan(1)}" : $"{{{WithoutSpaces}}}";

    private static string ArgumentsOf(JsonElement? parameters) => parameters is not { } schema
        ? $"{{{WithoutSpaces},\"type\":\"object\",\"properties\":{{}},\"additionalProperties\":false}}"
        : schema.TryGetProperty("type"u8, out _) ? Compact(schema)
        : Compact(schema).Insert(1, "\"type\":\"object\",");
}
