using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Inspection;

namespace InferenceTemplate.Worker.Generation;

/// <summary>
/// What <c>genai_config.json</c> beside a model's ONNX file says, as far as the worker has to know it. Whatever would have ONNX Runtime
/// GenAI read another file, load a library or compute elsewhere is refused before it sees any of it.
/// </summary>
/// <param name="ContextLength">Tokens of a prompt and its answer together.</param>
/// <param name="SetsThreads">Whether it says how many threads an operator has.</param>
internal sealed record GenerationConfig(string Folder, int ContextLength, bool SetsThreads)
{
    /// <summary>Whether a prompt that is no template's begins with the token for that, as <c>tokenizer_config.json</c> says.</summary>
    public bool AddsBeginning { get; private init; }

    /// <summary>Ids of tokens that the model knows, from 0 on; 0 where it does not say.</summary>
    public int VocabularySize { get; private init; }

    /// <summary>Whether the chat template has anything to do with tools; else it would pass over them.</summary>
    public bool TakesTools { get; private init; }

    public const string FileName = "genai_config.json";

    private const int MaxBytes = 256 << 10;
    private const int MinContext = 16;
    private const int MaxContext = 1 << 24;
    private const string Tokenizer = "tokenizer.json";
    private const string TokenizerSettings = "tokenizer_config.json";
    private const string Template = "chat_template.jinja";
    private const int MaxTokenizerSettings = 16 << 20;
    private const int MaxTokenizer = 256 << 20;
    private const string TokenizerFile = "tokenizer.json";
    private const string TokenOfTools = "tools";

    // Of digits in what a template computes. A list of as many, or a loop over it, is no conversation's, and takes memory before any time.
    private const int MostDigits = 5;

    private static readonly string[] s_addBeginning =
        ["LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "MistralTokenizer", "InternLM2Tokenizer", "Phi3Tokenizer"];

    private static readonly string[] s_sections = ["model", "search"];

    private static readonly string[] s_elsewhere =
        ["encoder", "embedding", "vision", "speech", "joiner", "vad", "tokenizer_dir", "draft", "assistant", "mtp"];

    private static readonly string[] s_decoderElsewhere = ["pipeline", "run_options", "shared_initializers"];

    private static readonly string[] s_sessionOptions =
    [
        "log_id", "log_severity_level", "log_verbosity_level", "intra_op_num_threads", "inter_op_num_threads", "enable_cpu_mem_arena",
        "enable_mem_pattern", "graph_optimization_level", "provider_options",
    ];

    /// <summary>The configuration beside a model's file; null where there is none, so that the model generates nothing.</summary>
    /// <exception cref="ModelRefusedException">It can't be one; the message says why.</exception>
    public static GenerationConfig? Beside(string modelPath)
    {
        var beside = ExternalFiles.Beside(modelPath);
        if (!beside.Has(FileName))
        {
            return null;
        }

        var folder = Path.GetDirectoryName(modelPath)!;
        var path = Path.Combine(folder, FileName);
        if (new FileInfo(path).Length is var length && length > MaxBytes)
        {
            throw new ModelRefusedException($"{FileName} has {length} bytes; at most {MaxBytes} are read");
        }

        if (!beside.Has(Tokenizer))
        {
            throw new ModelRefusedException($"{Tokenizer} is not beside {FileName}, or a link; upload it too");
        }

        try
        {
            // GenAI merges what comes twice: of an object only one would be looked at here.
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new() { AllowDuplicateProperties = false });
            var (adds, tools) = ReadTokenizer(folder);
            return Read(json.RootElement, folder, Path.GetFileName(modelPath)) with { AddsBeginning = adds, TakesTools = tools };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new ModelRefusedException($"{FileName} can't be read: {exception.Message}");
        }
    }

    private static GenerationConfig Read(JsonElement root, string folder, string file)
    {
        RefuseOthers(root, "", s_sections);
        var model = Section(root, "model");
        Refuse(model, "model.", s_elsewhere);
        var decoder = Section(model, "decoder", "model.");
        Refuse(decoder, "model.decoder.", s_decoderElsewhere);
        if (!decoder.TryGetProperty("filename", out var name) || name.GetString() != file)
        {
            var given = name.ValueKind == JsonValueKind.String ? $"'{ModelFileNames.Shown(name.GetString()!)}'" : "missing";
            throw new ModelRefusedException($"{FileName}: model.decoder.filename is {given}; the ONNX file is '{file}'");
        }

        var threads = false;
        if (decoder.TryGetProperty("session_options", out var options))
        {
            RefuseOthers(options, "model.decoder.session_options.", s_sessionOptions);
            threads = options.TryGetProperty("intra_op_num_threads", out _);
        }

        if (root.TryGetProperty("search", out var search))
        {
            foreach (var one in (string[])["batch_size", "num_beams", "num_return_sequences"])
            {
                if (search.TryGetProperty(one, out var number) && number.GetInt32() != 1)
                {
                    throw new ModelRefusedException($"{FileName}: search.{one} is {number.GetInt32()}; only 1 is possible");
                }
            }
        }

        var context = model.TryGetProperty("context_length", out var given2) ? given2.GetInt32() : 0;
        return context is >= MinContext and <= MaxContext
            ? new GenerationConfig(folder, context, threads)
            {
                VocabularySize = model.TryGetProperty("vocab_size", out var size) ? size.GetInt32() : 0,
            }
            : throw new ModelRefusedException($"{FileName}: model.context_length is {context}; {MinContext} to {MaxContext} are possible");
    }

    private static (bool AddsBeginning, bool TakesTools) ReadTokenizer(string folder)
    {
        var path = Path.Combine(folder, TokenizerSettings);
        var file = Path.Combine(folder, Template);
        var template = File.Exists(file) && new FileInfo(file).Length <= MaxTokenizerSettings ? File.ReadAllText(file) : null;
        RefuseLargeNumbers(template);
        if (!File.Exists(path) || new FileInfo(path).Length > MaxTokenizerSettings)
        {
            return (false, SaysTools(template));
        }

        using var json = JsonDocument.Parse(File.ReadAllBytes(path));
        var adds = BeginsPrompts(json.RootElement, folder);
        template ??= json.RootElement.TryGetProperty("chat_template", out var given) && given.ValueKind == JsonValueKind.String
            ? given.GetString()
            : null;
        RefuseLargeNumbers(template);
        return (adds, SaysTools(template));
    }

    // Of its code, and there outside of texts.
    private static void RefuseLargeNumbers(string? template)
    {
        var (isCode, quote, digits) = (false, '\0', 0);
        for (var i = 0; i < template?.Length; i++)
        {
            var (c, next) = (template[i], i + 1 < template.Length ? template[i + 1] : '\0');
            if (!isCode)
            {
                isCode = c == '{' && next is '%' or '{';
                i += isCode ? 1 : 0;
            }
            else if (quote != '\0')
            {
                i += c == '\\' ? 1 : 0;
                quote = c == quote ? '\0' : quote;
            }
            else if (!char.IsAsciiDigit(c))
            {
                digits = 0;
                quote = c is '"' or '\'' ? c : '\0';
                isCode = !(c is '%' or '}' && next == '}');
            }
            else if (++digits > MostDigits)
            {
                throw new ModelRefusedException(
                    $"the chat template has a number of more than {MostDigits} digits in its code, which no conversation needs");
            }
        }
    }

    // As the tokenizers do that the models were trained with: by the flag, by what tokenizer.json puts before a text, or by their kind,
    // whichever says so. Without its first token such a model goes on badly, and says nothing of it.
    private static bool BeginsPrompts(JsonElement settings, string folder)
    {
        var flag = settings.TryGetProperty("add_bos_token", out var given) ? given.ValueKind : JsonValueKind.Null;
        if (flag == JsonValueKind.True)
        {
            return true;
        }

        if (BeginningOf(settings) is { } token && PutsBefore(Path.Combine(folder, TokenizerFile), token))
        {
            return true;
        }

        return flag == JsonValueKind.Null
            && settings.TryGetProperty("tokenizer_class", out var kind)
            && kind.ValueKind == JsonValueKind.String
            && s_addBeginning.Contains(kind.GetString()!.Replace("Fast", "", StringComparison.Ordinal), StringComparer.Ordinal);
    }

    private static string? BeginningOf(JsonElement settings) =>
        !settings.TryGetProperty("bos_token", out var token) ? null
        : token.ValueKind == JsonValueKind.String ? token.GetString()
        : token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out var content)
            && content.ValueKind == JsonValueKind.String ? content.GetString()
        : null;

    private static bool PutsBefore(string tokenizer, string token)
    {
        if (!File.Exists(tokenizer) || new FileInfo(tokenizer).Length > MaxTokenizer)
        {
            return false;
        }

        // The vocabulary before it may have hundreds of thousands of entries, of which no document need be made.
        var reader = new Utf8JsonReader(File.ReadAllBytes(tokenizer));
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            var found = reader.ValueTextEquals("post_processor"u8);
            reader.Read();
            if (found)
            {
                using var processor = JsonDocument.ParseValue(ref reader);
                return FirstOf(processor.RootElement) == token
                    || (processor.RootElement.ValueKind == JsonValueKind.Object
                        && processor.RootElement.TryGetProperty("processors", out var several) && several.ValueKind == JsonValueKind.Array
                        && several.EnumerateArray().Any(p => FirstOf(p) == token));
            }

            reader.Skip();
        }

        return false;
    }

    // Of a template: what it puts before a single text.
    private static string? FirstOf(JsonElement processor) =>
        processor.ValueKind == JsonValueKind.Object
        && processor.TryGetProperty("single", out var single) && single.ValueKind == JsonValueKind.Array && single.GetArrayLength() > 0
        && single[0].ValueKind == JsonValueKind.Object
        && single[0].TryGetProperty("SpecialToken", out var special) && special.ValueKind == JsonValueKind.Object
        && special.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
            ? id.GetString()
            : null;

    private static bool SaysTools(string? template) => template?.Contains(TokenOfTools, StringComparison.Ordinal) == true;

    private static JsonElement Section(JsonElement within, string name, string path = "") =>
        within.TryGetProperty(name, out var found) && found.ValueKind == JsonValueKind.Object
            ? found
            : throw new ModelRefusedException($"{FileName} has no object {path}{name}");

    private static void Refuse(JsonElement within, string path, string[] names)
    {
        foreach (var property in within.EnumerateObject())
        {
            if (names.Contains(property.Name, StringComparer.Ordinal))
            {
                throw Unsupported(path, property.Name);
            }
        }
    }

    private static void RefuseOthers(JsonElement within, string path, string[] names)
    {
        foreach (var property in within.EnumerateObject())
        {
            if (!names.Contains(property.Name, StringComparer.Ordinal))
            {
                throw Unsupported(path, property.Name);
            }
        }
    }

    private static ModelRefusedException Unsupported(string path, string name) => new(
        $"{FileName} has {path}{ModelFileNames.Shown(name)}, which is not supported: a decoder of text in one ONNX file is, on the "
        + "providers of this worker");
}
