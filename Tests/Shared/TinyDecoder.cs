using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace InferenceTemplate.Tests.Shared;

/// <summary>
/// A decoder of a few kilobytes as ONNX Runtime GenAI loads one: a KV cache, a byte-level BPE tokenizer, a chat template. What comes next
/// depends on the last token and, by the cache alone, on all before it; <see cref="Continue"/> says what it is, by other code.
/// </summary>
public static class TinyDecoder
{
    public const int ContextLength = 32_768;

    private const int Width = 8;
    private const int Modulus = 64;
    private const float Step = 1 / 8f;
    private const float Refused = -8;
    private const string Letters = "abcdefghijklmnopqrstuvwxyz ";
    private const string Lead = "\u00C3";
    private const string Trail = "\u00A9";
    private const string EndOfMessage = "<|im_end|>";
    private static readonly string[] s_special = ["<|endoftext|>", "<|im_start|>", EndOfMessage];
    private static readonly (string, string)[] s_merges = [("t", "h"), ("th", "e"), ("i", "n"), ("a", "n"), ("e", "r"), ("\u0120", "a")];
    private static readonly string[] s_tokens = Tokens();
    private static readonly Dictionary<string, int> s_ids =
        s_tokens.Select((token, id) => (token, id)).ToDictionary(t => t.token, t => t.id, StringComparer.Ordinal);

    private static readonly float[] s_embeddings = Whole(seed: 1, s_tokens.Length * Width, most: 3);
    private static readonly float[] s_past = Scaled(Whole(seed: 2, Width * s_tokens.Length, most: 9));
    private static readonly float[] s_last = Scaled(Whole(seed: 3, Width * s_tokens.Length, most: 9));
    private static readonly long[] s_kinds = [.. s_tokens.Select(token => token == "." ? 1L : token == Lead ? 2L : 0L)];

    /// <summary>In the ChatML of Qwen, shortened.</summary>
    public const string Template =
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    /// <summary>The same for a model that was taught tools: their names before all, and the arguments of calls.</summary>
    public const string ToolTemplate =
        "{% if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool.function.name }}\n{% endfor %}<|im_end|>\n{% endif %}"
        + "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
        + "{% if message.tool_calls %}{% for call in message.tool_calls %}{{ call.function.name }} {{ call.function.arguments.city }}"
        + "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    public static int EndId => s_ids[EndOfMessage];

    /// <summary>The files that are uploaded.</summary>
    /// <param name="config">Changes <c>genai_config.json</c>.</param>
    /// <param name="ends">Whether an answer ends behind a full stop; else it has none, and ends at its length alone.</param>
    public static (string Name, byte[] Content)[] Files(
        Action<JsonObject>? config = null, string? template = Template, int contextLength = ContextLength, bool ends = true) =>
    [
        ("model.onnx", Model(ends)),
        ("genai_config.json", Config(config, contextLength)),
        ("tokenizer.json", Tokenizer()),
        ("tokenizer_config.json", TokenizerConfig(template)),
    ];

    /// <summary>What the chat template makes of one message of a user.</summary>
    public static string Prompt(string content) => $"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n";

    /// <summary>How many tokens a text is.</summary>
    public static int Count(string text) => Encode(text).Count;

    /// <summary>What is generated, greedily, up to the end or so many tokens; the end is none of them.</summary>
    public static (string Text, int Tokens, bool Ended) Continue(string prompt, int most, bool ends = true)
    {
        var bias = Bias(ends);
        var sums = new float[Width];
        var last = 0;
        foreach (var token in Encode(prompt))
        {
            last = Take(token, sums);
        }

        var generated = new List<int>();
        while (generated.Count < most)
        {
            last = Take(Next(last, sums, bias), sums);
            if (last == EndId)
            {
                return (Decode(generated), generated.Count, true);
            }

            generated.Add(last);
        }

        return (Decode(generated), generated.Count, false);
    }

    public static byte[] Model(bool ends = true) => new OnnxModel()
        .Input("input_ids", OnnxModel.Int64, -1, -1)
        .Input("attention_mask", OnnxModel.Int64, -1, -1)
        .Input("past_key_values.0.key", OnnxModel.Float, -1, 1, -1, Width)
        .Input("past_key_values.0.value", OnnxModel.Float, -1, 1, -1, Width)
        .Output("logits", OnnxModel.Float, -1, -1, s_tokens.Length)
        .Output("present.0.key", OnnxModel.Float, -1, 1, -1, Width)
        .Output("present.0.value", OnnxModel.Float, -1, 1, -1, Width)
        .Constant("embeddings", s_embeddings, s_tokens.Length, Width)
        .Constant("of_past", s_past, Width, s_tokens.Length)
        .Constant("of_last", s_last, Width, s_tokens.Length)
        .Constant("bias", Bias(ends), 3, s_tokens.Length)
        .Constant("modulus", [Modulus], 1)
        .Integers("kinds", s_kinds, s_tokens.Length)
        .Integers("one", [1], 1)
        .Integers("time", [2], 1)
        .Integers("end", [long.MaxValue], 1)
        .Integers("axis", [2])
        .Node("Gather", ["embeddings", "input_ids"], ["embedded"])
        .Node("Unsqueeze", ["embedded", "one"], ["heads"])
        .Node("Concat", ["past_key_values.0.key", "heads"], ["present.0.key"], ("axis", 2))
        .Node("Concat", ["past_key_values.0.value", "heads"], ["present.0.value"], ("axis", 2))
        .Node("CumSum", ["present.0.value", "axis"], ["sums"])
        .Node("Shape", ["past_key_values.0.value"], ["past"], ("start", 2), ("end", 3))
        .Node("Slice", ["sums", "past", "end", "time"], ["new"])
        .Node("Squeeze", ["new", "one"], ["newest"])
        .Node("Mod", ["newest", "modulus"], ["rest"], ("fmod", 1))
        .Node("MatMul", ["rest", "of_past"], ["from_past"])
        .Node("MatMul", ["embedded", "of_last"], ["from_last"])
        .Node("Add", ["from_past", "from_last"], ["angles"])
        .Node("Sin", ["angles"], ["sines"])
        .Node("Gather", ["kinds", "input_ids"], ["kind"])
        .Node("Gather", ["bias", "kind"], ["biases"])
        .Node("Add", ["sines", "biases"], ["logits"])
        .ToBytes();

    private static int Take(int token, float[] sums)
    {
        for (var d = 0; d < Width; d++)
        {
            sums[d] += s_embeddings[(token * Width) + d];
        }

        return token;
    }

    private static int Next(int last, float[] sums, float[] bias)
    {
        var (best, found) = (float.MinValue, 0);
        for (var token = 0; token < s_tokens.Length; token++)
        {
            var angle = 0f;
            for (var d = 0; d < Width; d++)
            {
                angle += (sums[d] % Modulus * s_past[(d * s_tokens.Length) + token])
                    + (s_embeddings[(last * Width) + d] * s_last[(d * s_tokens.Length) + token]);
            }

            var logit = MathF.Sin(angle) + bias[((int)s_kinds[last] * s_tokens.Length) + token];
            (best, found) = logit > best ? (logit, token) : (best, found);
        }

        return found;
    }

    /// <summary>The ids of a text's tokens.</summary>
    public static IReadOnlyList<int> Encode(string text)
    {
        var found = new List<int>();
        while (text.Length > 0)
        {
            if (Array.Find(s_special, s => text.StartsWith(s, StringComparison.Ordinal)) is { } special)
            {
                found.Add(s_ids[special]);
                text = text[special.Length..];
                continue;
            }

            var end = s_special.Select(s => text.IndexOf(s, StringComparison.Ordinal)).Where(i => i > 0).DefaultIfEmpty(text.Length).Min();
            List<string> pieces = [.. Encoding.UTF8.GetBytes(text[..end]).Select(b => Letter(b))];
            foreach (var (left, right) in s_merges)
            {
                for (var i = 0; i + 1 < pieces.Count; i++)
                {
                    if (pieces[i] == left && pieces[i + 1] == right)
                    {
                        pieces[i] += right;
                        pieces.RemoveAt(i + 1);
                    }
                }
            }

            found.AddRange(pieces.Select(p => s_ids[p]));
            text = text[end..];
        }

        return found;
    }

    private static string Decode(List<int> tokens) => Encoding.UTF8.GetString(
        [.. tokens.SelectMany(t => s_tokens[t]).Select(c => (byte)Array.FindIndex(s_letters, l => l[0] == c))]);

    private static readonly string[] s_letters = [.. Enumerable.Range(0, 256).Select(b => Letter((byte)b))];

    private static string[] Tokens() =>
        [.. Enumerable.Range(0, 256).Select(b => Letter((byte)b)), .. s_merges.Select(m => m.Item1 + m.Item2), .. s_special];

    // How byte-level BPE writes a byte: those that can't be seen come behind all others.
    private static string Letter(byte value)
    {
        static bool IsSeen(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
        return char.ToString(IsSeen(value) ? (char)value : (char)(256 + Enumerable.Range(0, value).Count(b => !IsSeen(b))));
    }

    // Small whole numbers, so that every sum is exact in whatever order it is made.
    private static float[] Whole(uint seed, int count, int most)
    {
        var (state, numbers) = (seed, new float[count]);
        for (var i = 0; i < count; i++)
        {
            state = (state * 1_664_525) + 1_013_904_223;
            numbers[i] = (int)((state >> 16) % (uint)((2 * most) + 1)) - most;
        }

        return numbers;
    }

    private static float[] Scaled(float[] numbers) => [.. numbers.Select(n => n * Step)];

    // Letters, and a full stop, behind which it ends; and an accented letter, which is two tokens.
    private static float[] Bias(bool ends)
    {
        var bias = new float[3 * s_tokens.Length];
        Array.Fill(bias, Refused);
        for (var token = 0; token < s_tokens.Length; token++)
        {
            var text = s_tokens[token].Replace('\u0120', ' ');
            if (text.All(c => Letters.Contains(c)) || text is Lead || (ends && text == "."))
            {
                // Where two are equal, the first.
                bias[token] = token * -1e-4f;
            }
        }

        bias[s_tokens.Length + EndId] = -Refused;
        bias[(2 * s_tokens.Length) + s_ids[Trail]] = -Refused;
        return bias;
    }

    private static byte[] Config(Action<JsonObject>? change, int contextLength)
    {
        var config = JsonNode.Parse($$"""
            {
              "model": {
                "type": "llama",
                "bos_token_id": {{s_ids["<|endoftext|>"]}},
                "eos_token_id": {{EndId}},
                "pad_token_id": {{s_ids["<|endoftext|>"]}},
                "vocab_size": {{s_tokens.Length}},
                "context_length": {{contextLength.ToString(CultureInfo.InvariantCulture)}},
                "decoder": {
                  "filename": "model.onnx",
                  "head_size": {{Width}}, "hidden_size": {{Width}},
                  "num_attention_heads": 1, "num_key_value_heads": 1, "num_hidden_layers": 1,
                  "session_options": {"log_id": "tiny", "provider_options": []},
                  "inputs": {
                    "input_ids": "input_ids", "attention_mask": "attention_mask",
                    "past_key_names": "past_key_values.%d.key", "past_value_names": "past_key_values.%d.value"
                  },
                  "outputs": {"logits": "logits", "present_key_names": "present.%d.key", "present_value_names": "present.%d.value"}
                }
              },
              "search": {"max_length": {{contextLength}}, "past_present_share_buffer": false, "do_sample": false}
            }
            """)!.AsObject();
        change?.Invoke(config);
        return JsonSerializer.SerializeToUtf8Bytes(config);
    }

    private static byte[] Tokenizer() => JsonSerializer.SerializeToUtf8Bytes(new JsonObject
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray([.. s_special.Select(token => (JsonNode)new JsonObject
        {
            ["id"] = s_ids[token],
            ["content"] = token,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = false,
            ["normalized"] = false,
            ["special"] = true,
        })]),
        ["normalizer"] = null,
        ["pre_tokenizer"] = ByteLevel(),
        ["post_processor"] = ByteLevel(),
        ["decoder"] = ByteLevel(),
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = "",
            ["end_of_word_suffix"] = "",
            ["fuse_unk"] = false,
            ["vocab"] = new JsonObject(s_tokens.SkipLast(s_special.Length).Select(t => KeyValuePair.Create(t, (JsonNode?)s_ids[t]))),
            ["merges"] = new JsonArray([.. s_merges.Select(m => (JsonNode)$"{m.Item1} {m.Item2}")]),
        },
    });

    private static JsonObject ByteLevel() =>
        new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };

    private static byte[] TokenizerConfig(string? template)
    {
        var config = new JsonObject
        {
            ["tokenizer_class"] = "GPT2Tokenizer",
            ["add_prefix_space"] = false,
            ["bos_token"] = "<|endoftext|>",
            ["eos_token"] = EndOfMessage,
            ["pad_token"] = "<|endoftext|>",
            ["unk_token"] = "<|endoftext|>",
            ["model_max_length"] = ContextLength,
        };
        if (template is not null)
        {
            config["chat_template"] = template;
        }

        return JsonSerializer.SerializeToUtf8Bytes(config);
    }
}
