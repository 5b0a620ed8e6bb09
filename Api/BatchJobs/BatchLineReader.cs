using System.Security.Claims;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// Reads the lines of one batch: <c>{"custom_id":"...","model":"...","version":"...","body":{...}}</c>, of which only the body is
/// needed where the batch names the model. Each is held against its model's signature as a call would be.
/// </summary>
internal sealed class BatchLineReader(
    ModelCatalog catalog, ModelRouting routing, FallbackRouting fallbacks, InferInput input, ClaimsPrincipal caller, string? defaultModel,
    string? defaultVersion, int maxLineBytes)
{
    private const int MaxCustomId = 256;
    private const int MaxName = 128;

    // Of what is said of a member that is unknown.
    private const int MaxShown = 64;
    private const int MaxError = 2_000;

    // One choice for the whole batch: its answers are of one version, whatever the traffic policy does meanwhile.
    private readonly Dictionary<(string Model, string? Version), RoutedModel> _routes = [];

    public async ValueTask<NewBatchLine> ReadAsync(JsonLine line, CancellationToken cancellationToken)
    {
        if (line.Bytes is null)
        {
            return Wrong(
                line, null, StatusCodes.Status413PayloadTooLarge, $"the line is longer than {maxLineBytes} bytes (Batches:MaxLineBytes)");
        }

        Envelope envelope;
        try
        {
            envelope = Open(line.Bytes, input.MaxJsonDepth);
        }
        catch (JsonException exception)
        {
            return Wrong(line, null, StatusCodes.Status400BadRequest,
                $"the line is not a JSON object: {exception.Message.Split(" LineNumber:")[0]}");
        }
        catch (InvalidInferBodyException exception)
        {
            return Wrong(line, null, StatusCodes.Status400BadRequest, exception.Message);
        }
        catch (InvalidOperationException)
        {
            // Escapes that make half a character.
            return Wrong(line, null, StatusCodes.Status400BadRequest, "the line has a name or text that is not valid UTF-8");
        }

        // A misspelt version would have another one answer.
        if (envelope.Unknown is { } name)
        {
            var shown = name.Length <= MaxShown ? name : name[..MaxShown] + "...";
            return Wrong(line, envelope.CustomId, StatusCodes.Status400BadRequest,
                $"{shown}: a line has custom_id, model, version and body, and may have method and url");
        }

        // A version belongs to the model beside it.
        var (model, version) = envelope.Model is null
            ? (defaultModel, envelope.Version ?? defaultVersion)
            : (envelope.Model, envelope.Version);
        if (model is null)
        {
            return Wrong(line, envelope.CustomId, StatusCodes.Status400BadRequest,
                "model: missing; name it in the line, or for all of them as ?model=");
        }

        var (routed, whyNot) = await RouteAsync(model, version, cancellationToken);
        if (routed is null)
        {
            return Wrong(line, envelope.CustomId, StatusCodes.Status404NotFound, $"model: {whyNot}");
        }

        try
        {
            var request = envelope.Body.ToArray();
            var body = input.Read(request, routed.Version, routed.Settings);
            if (routed.Version.Signature.Outputs.Any(output => body.Forms.IsBinary(output.Name)))
            {
                return Wrong(
                    line, envelope.CustomId, StatusCodes.Status400BadRequest, "binary_data: lines are answered as JSON; leave it out");
            }

            return new(line.Number, envelope.CustomId, routed.Version.Model, routed.Version.Version, request);
        }
        catch (InvalidInferBodyException exception)
        {
            return Wrong(line, envelope.CustomId, StatusCodes.Status400BadRequest, exception.Message);
        }
    }

    private static NewBatchLine Wrong(JsonLine line, string? customId, int status, string error) =>
        new(line.Number, customId, null, null, null, AuditText.Fit(error, MaxError), (short)status);

    private async ValueTask<(RoutedModel? Routed, string? WhyNot)> RouteAsync(
        string model, string? version, CancellationToken cancellationToken)
    {
        if (_routes.TryGetValue((model, version), out var known))
        {
            return (known, null);
        }

        if (!caller.MayUse(model))
        {
            return (null, CatalogSnapshot.Empty.WhyNot(model, version));
        }

        // What is not there is not cached: names may be as many as lines. A line for a pipeline that can't run keeps its name: whether the
        // fallback answers is seen when it runs, as for a version that no worker can load.
        var routed = await routing.RouteAsync(model, version, caller, cancellationToken)
            ?? (await fallbacks.LackingAsync(model, version, cancellationToken))?.Pipeline;
        if (routed is null)
        {
            return (null, (await catalog.SnapshotAsync(cancellationToken)).WhyNot(model, version));
        }

        _routes[(model, version)] = routed;
        return (routed, null);
    }

    private static Envelope Open(ReadOnlyMemory<byte> line, int maxDepth)
    {
        // A file's own mark, before its first line.
        line = line.Span.StartsWith("\uFEFF"u8) ? line[3..] : line;
        var json = new Utf8JsonReader(line.Span, new JsonReaderOptions { MaxDepth = maxDepth + 1 });
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            throw new InvalidInferBodyException("the line is not a JSON object");
        }

        string? customId = null, model = null, version = null, unknown = null;
        ReadOnlyMemory<byte> body = default;
        var seen = default(MemberNames);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            seen.Add(json.ValueIsEscaped ? Encoding.UTF8.GetBytes(json.GetString()!) : json.ValueSpan);
            if (json.ValueTextEquals("custom_id"u8))
            {
                customId = ReadText(ref json, "custom_id", MaxCustomId);
            }
            else if (json.ValueTextEquals("model"u8))
            {
                model = ReadText(ref json, "model", MaxName);
            }
            else if (json.ValueTextEquals("version"u8))
            {
                version = ReadText(ref json, "version", MaxName);
            }
            else if (json.ValueTextEquals("body"u8))
            {
                json.Read();
                var start = (int)json.TokenStartIndex;
                json.Skip();
                body = line[start..(int)json.BytesConsumed];
            }
            else if (json.ValueTextEquals("method"u8))
            {
                if (ReadText(ref json, "method", MaxName) is not (null or "POST"))
                {
                    throw new InvalidInferBodyException("method: POST expected");
                }
            }
            else if (json.ValueTextEquals("url"u8))
            {
                // In every line of OpenAI's batches; the model says what it is for.
                json.Read();
                json.Skip();
            }
            else
            {
                unknown ??= json.GetString();
                json.Read();
                json.Skip();
            }
        }

        // Whatever follows the object is no JSON.
        json.Read();
        return body.IsEmpty
            ? throw new InvalidInferBodyException("body: missing; it is the request that a call would send")
            : new Envelope(customId, model, version, body, unknown);
    }

    private static string? ReadText(ref Utf8JsonReader json, string name, int maxLength)
    {
        json.Read();
        var text = json.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.String => json.GetString(),
            _ => throw new InvalidInferBodyException($"{name}: a string expected"),
        };
        return text is null || (text.Length <= maxLength && !text.Contains('\0', StringComparison.Ordinal))
            ? text
            : throw new InvalidInferBodyException($"{name}: up to {maxLength} characters without U+0000 expected");
    }

    private readonly record struct Envelope(string? CustomId, string? Model, string? Version, ReadOnlyMemory<byte> Body, string? Unknown);
}
