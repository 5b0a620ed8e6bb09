using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;

namespace InferenceTemplate.Tests.Worker.Generation;

/// <summary>What the tiny decoder generates, against what other code computes of the same numbers.</summary>
public sealed class GenerationModelTests : IDisposable
{
    private const string TemplateOfBeginning = """
        {"post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},
         {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]}]}}
        """;

    private const string TemplateOfAnother = """
        {"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"<|endoftext|>"}}]}}
        """;

    private const int Most = 120;

    private readonly GenerativeModel _files = new(TinyDecoder.Files());
    private readonly GenerationModel _model;

    public GenerationModelTests() => _model = _files.Open();

    public static TheoryData<string, string> Bad => new()
    {
        { "model.decoder.filename", "\"../../etc/model.onnx\"" },
        { "model.decoder.session_options.custom_ops_library", "\"/tmp/evil.so\"" },
        { "model.decoder.session_options.ep_library", "\"/tmp/evil.so\"" },
        { "model.decoder.pipeline", "[]" },
        { "model.decoder.shared_initializers", "[{\"data_file\":\"/etc/passwd\"}]" },
        { "model.vision", "{\"filename\":\"vision.onnx\"}" },
        { "model.tokenizer_dir", "\"/etc\"" },
        { "model.context_length", "0" },
        { "search.num_beams", "4" },
        { "engine", "{}" },
    };

    [Fact]
    public async Task Tokens_depend_on_all_that_was_before_and_are_those_of_the_reference()
    {
        var prompts = Enumerable.Range(0, 12).Select(i => $"Question {i}: caf\u00E9, 3 \U0001F408?").ToList();

        foreach (var prompt in prompts)
        {
            var text = await GenerateAsync(GenerativeModel.Chat(prompt, Most));

            Assert.Equal(Expected(prompt), (text.Text, text.Tokens, text.Reason));
            Assert.Equal(TinyDecoder.Count(TinyDecoder.Prompt(prompt)), text.PromptTokens);
        }

        Assert.Equal(prompts.Count, prompts.Select(p => Expected(p).Text).Distinct().Count());
        Assert.Contains(prompts, p => Expected(p).Text.Contains('\u00E9', StringComparison.Ordinal));
        Assert.Contains(prompts, p => Expected(p).Reason == GenerationSignature.Stop);
    }

    [Fact]
    public async Task Many_answers_at_once_are_the_same_as_one_by_one()
    {
        var prompts = Enumerable.Range(0, 32).Select(i => string.Concat(Enumerable.Repeat($"say {i} ", i))).ToList();

        var together = await Task.WhenAll(prompts.Select(p => GenerateAsync(GenerativeModel.Chat(p, Most))));

        Assert.Equal(prompts.Select(Expected), together.Select(t => (t.Text, t.Tokens, t.Reason)));
        foreach (var (prompt, text) in prompts.Zip(together))
        {
            var alone = await GenerateAsync(GenerativeModel.Chat(prompt, Most));
            Assert.Equal((alone.Text, alone.Tokens, alone.PromptTokens), (text.Text, text.Tokens, text.PromptTokens));
        }
    }

    [Theory]
    [InlineData("", 2)]
    [InlineData("", 10)]
    [InlineData("", 200)]
    [InlineData("", 1000)]
    [InlineData("a", 1)]
    [InlineData("the cat", 3)]
    public async Task Token_for_padding_is_one_like_others_in_a_prompt(string text, int times)
    {
        const string Padding = "<|endoftext|>";
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        using var model = files.Open();
        var prompt = text + string.Concat(Enumerable.Repeat(Padding, times));
        var expected = TinyDecoder.Continue(prompt, 20, ends: false).Text;

        Assert.NotEqual(expected, TinyDecoder.Continue(text, 20, ends: false).Text);
        Assert.Equal(expected, (await GenerateAsync(new() { Prompt = prompt, MaxTokens = 20 }, model)).Text);
        Assert.Equal(expected, (await GenerateAsync(new() { PromptTokens = [.. TinyDecoder.Encode(prompt)], MaxTokens = 20 }, model)).Text);
    }

    [Theory]
    [InlineData(511)]
    [InlineData(512)]
    [InlineData(513)]
    [InlineData(5000)]
    public async Task Prompt_that_is_read_in_parts_is_answered_like_one_that_is_not(int tokens)
    {
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        using var model = files.Open();
        var prompt = string.Concat(Enumerable.Range(0, tokens).Select(i => "bcdf"[i * i % 7 % 4]));

        Assert.Equal(tokens, TinyDecoder.Count(prompt));
        Assert.Equal(
            TinyDecoder.Continue(prompt, 20, ends: false).Text,
            (await GenerateAsync(new() { PromptTokens = [.. TinyDecoder.Encode(prompt)], MaxTokens = 20 }, model)).Text);
    }

    [Fact]
    public async Task Answer_that_comes_later_does_not_wait_for_the_end_of_one_that_runs()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        using var model = files.Open();
        var endless = new RunningAnswer(GenerativeModel.Chat("a", 30_000), parts: null);
        model.Start(endless);

        var later = await GenerateAsync(GenerativeModel.Chat("b", 20), model);

        Assert.Equal(TinyDecoder.Continue(TinyDecoder.Prompt("b"), 20, ends: false).Text, later.Text);
        Assert.False(endless.End.IsCompleted);
        endless.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => endless.End);
    }

    [Fact]
    public async Task Cancellation_frees_the_slot_within_two_steps()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        using var model = files.Open();
        var cancelled = default(RunningAnswer);
        var other = new RunningAnswer(GenerativeModel.Chat("b", 30_000), parts: null);
        model.Start(other);

        // On the model's own thread, between two steps, of which each gives a token.
        cancelled = new RunningAnswer(GenerativeModel.Chat("a", 30_000), _ =>
        {
            if (cancelled!.Tokens == 50)
            {
                cancelled.Cancel();
            }
        });
        model.Start(cancelled);

        await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled.End);
        Assert.InRange(cancelled.Tokens, 50, 51);
        await Wait.UntilAsync(() => model.Running == 1);
        Assert.False(other.End.IsCompleted);
        other.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => other.End);
    }

    [Fact]
    public async Task Parts_are_the_text_and_a_stop_text_across_tokens_ends_it()
    {
        var whole = await GenerateAsync(GenerativeModel.Chat("Hello there", Most));
        var stop = whole.Text[7..12];
        List<string> parts = [];

        var text = await GenerateAsync(
            GenerativeModel.Chat("Hello there", Most) with { Stop = ["never", stop], Stream = true }, parts: parts.Add);

        Assert.Equal(whole.Text[..whole.Text.IndexOf(stop, StringComparison.Ordinal)], text.Text);
        Assert.Equal((GenerationSignature.Stop, text.Text), (text.Reason, string.Concat(parts)));
        Assert.True(parts.Count > 1 && text.Tokens < whole.Tokens);
    }

    [Fact]
    public async Task Seed_makes_drawn_tokens_the_same_again_and_temperature_makes_them_others()
    {
        var drawn = GenerativeModel.Chat("Hello", 60) with { Temperature = 1.5, TopP = 0.95, Seed = 7 };

        var first = await GenerateAsync(drawn);
        var again = await GenerateAsync(drawn);
        var others = await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => GenerateAsync(drawn with { Seed = seed })));

        Assert.Equal(first.Text, again.Text);
        Assert.True(others.Select(o => o.Text).Append(first.Text).Distinct().Count() >= 4);
        Assert.Equal(
            Expected("Hello").Text, (await GenerateAsync(GenerativeModel.Chat("Hello", Most) with { Temperature = 1, TopP = 0 })).Text);
    }

    [Fact]
    public async Task Prompt_beyond_the_context_is_refused_with_the_numbers()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(contextLength: 64));
        using var model = files.Open(maxTokens: 50);
        var prompt = TinyDecoder.Count(TinyDecoder.Prompt(new string('x', 40)));

        var tooLong = await RefusedAsync(GenerativeModel.Chat(new string('x', 80)), model);
        var tooMuch = await RefusedAsync(GenerativeModel.Chat(new string('x', 40), 45), model);
        var tooMany = await RefusedAsync(GenerativeModel.Chat("x", 51), model);
        var hopeless = await RefusedAsync(new GenerationRequest { Prompt = new string('x', 2049) }, model);
        var rest = await GenerateAsync(GenerativeModel.Chat(new string('x', 40)), model);

        Assert.Contains($"{prompt + 40} tokens, and 1 to generate, are more than the context", tooLong, StringComparison.Ordinal);
        Assert.Contains($"messages: {prompt} tokens, and 45 to generate, are more than the context", tooMuch, StringComparison.Ordinal);
        Assert.Contains("which is 64 tokens", tooMuch, StringComparison.Ordinal);
        Assert.Equal("max_tokens: 51 given, up to 50 are possible here (Generation:MaxTokens)", tooMany);
        Assert.Equal("prompt: 2049 characters are more than the context of the model, which is 64 tokens", hopeless);
        Assert.InRange(rest.Tokens, 1, 64 - prompt);
    }

    [Fact]
    public async Task Prompt_is_taken_as_it_is_and_messages_need_a_template()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(template: null));
        using var model = files.Open();

        var text = await GenerateAsync(new GenerationRequest { Prompt = "The the", MaxTokens = 9, Temperature = 0 }, model);

        Assert.Equal(TinyDecoder.Continue("The the", 9).Text, text.Text);
        Assert.Contains(
            "messages: the chat template of the model does not take them", await RefusedAsync(GenerativeModel.Chat("a"), model),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"add_bos_token\":true}", "{}", true)]
    [InlineData("{\"add_bos_token\":false}", "{}", false)]
    [InlineData("{}", "{}", false)]
    [InlineData("{}", TemplateOfBeginning, true)]
    [InlineData("{\"add_bos_token\":false}", TemplateOfBeginning, true)]
    [InlineData("{}", TemplateOfAnother, false)]
    [InlineData("{\"tokenizer_class\":\"LlamaTokenizerFast\"}", "{}", true)]
    [InlineData("{\"tokenizer_class\":\"LlamaTokenizerFast\",\"add_bos_token\":false}", "{}", false)]
    public async Task Prompt_begins_with_the_token_for_that_where_the_tokenizer_says_so(string settings, string tokenizer, bool begins)
    {
        (string Name, byte[] Content)[] files = [.. TinyDecoder.Files().Select(f => f.Name switch
        {
            "tokenizer_config.json" => (f.Name, With(f.Content, settings)),
            "tokenizer.json" => (f.Name, With(f.Content, tokenizer)),
            _ => f,
        })];
        using var adds = new GenerativeModel(files);
        using var model = adds.Open();
        var prompt = new GenerationRequest { Prompt = "The the", MaxTokens = 1 };

        var (with, without) = (await GenerateAsync(prompt, model), await GenerateAsync(prompt));
        var templated = await GenerateAsync(GenerativeModel.Chat("The the", 1), model);

        Assert.Equal(without.PromptTokens + (begins ? 1 : 0), with.PromptTokens);
        Assert.Equal(TinyDecoder.Count(TinyDecoder.Prompt("The the")), templated.PromptTokens);
    }

    private static byte[] With(byte[] file, string fields)
    {
        var json = JsonNode.Parse(file)!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
        {
            json[name] = value?.DeepClone();
        }

        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    [Fact]
    public async Task Token_ids_are_refused_where_the_configuration_does_not_say_how_many_there_are()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(config => config["model"]!.AsObject().Remove("vocab_size")));
        using var model = files.Open();

        Assert.StartsWith(
            "prompt: the genai_config.json of the model has no model.vocab_size",
            await RefusedAsync(new GenerationRequest { PromptTokens = [0] }, model), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData('x')]
    [InlineData(' ')]
    [InlineData('!')]
    public async Task Word_that_would_hold_up_the_others_is_refused(char character)
    {
        var word = new string(character, 10_001);
        using var files = new GenerativeModel(TinyDecoder.Files(contextLength: 1 << 20));
        using var model = files.Open();

        Assert.StartsWith(
            "prompt: 10001 characters in a row", await RefusedAsync(new GenerationRequest { Prompt = word }, model),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "messages: 10001 characters in a row", await RefusedAsync(GenerativeModel.Chat(word), model), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_the_engine_would_cut_off_is_refused()
    {
        Assert.Equal("messages[0].content: it has the character U+0000, which no model takes", GenerativeModel.Chat("a\0b").Problem());
        Assert.Equal("prompt: it has the character U+0000, which no model takes", new GenerationRequest { Prompt = "a\0b" }.Problem());
    }

    [Theory]
    [InlineData(@"\{", "\"model\":{\"decoder\":{\"session_options\":{\"custom_ops_library\":\"evil.so\"}}},")]
    [InlineData(@"""model"":\s*\{", "\"decoder\":{\"session_options\":{\"custom_ops_library\":\"evil.so\"}},")]
    [InlineData(@"""decoder"":\s*\{", "\"session_options\":{\"custom_ops_library\":\"evil.so\"},\"session_options\":{},")]
    public void Configuration_that_says_a_thing_twice_is_refused(string behind, string more)
    {
        (string Name, byte[] Content)[] files = [.. TinyDecoder.Files().Select(f => (f.Name, f.Name == GenerationConfig.FileName
            ? Encoding.UTF8.GetBytes(new Regex(behind, RegexOptions.None, TimeSpan.FromSeconds(5)).Replace(
                Encoding.UTF8.GetString(f.Content), match => match.Value + more, 1))
            : f.Content))];
        using var twice = new GenerativeModel(files);

        var refused = Assert.Throws<InferenceTemplate.Worker.Inspection.ModelRefusedException>(() => GenerationConfig.Beside(twice.Path));

        Assert.Contains("uplicate", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Closed_model_ends_what_runs()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        var model = files.Open();
        var running = new RunningAnswer(GenerativeModel.Chat("a", 30_000), parts: null);
        model.Start(running);

        model.Dispose();

        await Assert.ThrowsAsync<OperationCanceledException>(() => running.End);
        Assert.Throws<ObjectDisposedException>(() => model.Start(running));
    }

    [Fact]
    public async Task Template_that_takes_too_long_holds_up_no_prompt_and_is_asked_again_only_when_it_has_ended()
    {
        // Seconds of one core.
        const string Slow = "{% if messages|length > 1 %}{% for a in range(3000) %}{% for b in range(3000) %}"
            + "{% endfor %}{% endfor %}{% endif %}";
        const string Late = "messages: the chat template of the model is at one prompt for more than 0.2 s (Generation:TemplateTime)";
        using var files = new GenerativeModel(TinyDecoder.Files(template: Slow + TinyDecoder.Template));
        var limit = TimeSpan.FromMilliseconds(200);
        var prompt = new GenerationRequest { Prompt = "The the", MaxTokens = 9, Temperature = 0 };
        var expected = TinyDecoder.Continue("The the", 9).Text;
        var two = GenerativeModel.Chat("a", 5);
        two.Messages = [.. two.Messages!, .. two.Messages!];
        var model = files.Open(templateTime: limit);

        var (slow, waits) = (new RunningAnswer(two, parts: null), new RunningAnswer(GenerativeModel.Chat("b", 5), parts: null));
        model.Start(slow);
        model.Start(waits);

        Assert.Equal(expected, (await GenerateAsync(prompt, model)).Text);
        Assert.StartsWith(Late, (await Assert.ThrowsAsync<RefusedInputException>(() => slow.End)).Message, StringComparison.Ordinal);
        Assert.StartsWith(Late, (await Assert.ThrowsAsync<RefusedInputException>(() => waits.End)).Message, StringComparison.Ordinal);
        Assert.StartsWith(Late, await RefusedAsync(GenerativeModel.Chat("c", 5), model), StringComparison.Ordinal);
        model.Dispose();

        // Opened again, it is the template that is at work still.
        using var again = files.Open(templateTime: limit);
        Assert.StartsWith(Late, await RefusedAsync(GenerativeModel.Chat("c", 5), again), StringComparison.Ordinal);
        Assert.Equal(expected, (await GenerateAsync(prompt, again)).Text);

        var text = default(GeneratedText);
        await Wait.UntilAsync(async () =>
        {
            try
            {
                text = await GenerateAsync(GenerativeModel.Chat("c", 5), again);
                return true;
            }
            catch (RefusedInputException)
            {
                return false;
            }
        });
        Assert.Equal(TinyDecoder.Continue(TinyDecoder.Prompt("c"), 5).Text, text!.Text);
    }

    [Theory]
    [InlineData("{% for a in range(30000) %}x{% endfor %}", "30000 characters in a row")]
    [InlineData("{% for a in range(30000) %}x y {% endfor %}", "the 120000 characters that the chat template makes of them are more than")]
    public async Task Template_that_makes_more_than_the_tokenizer_can_cut_is_refused(string template, string reason)
    {
        using var files = new GenerativeModel(TinyDecoder.Files(template: template, contextLength: 1024));
        using var model = files.Open();

        Assert.Contains(reason, await RefusedAsync(GenerativeModel.Chat("a"), model), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for a in range(100000) %}{% endfor %}", true)]
    [InlineData("{{- '' -}}{%- set n = 123456 %}{% for a in range(n) %}{% endfor %}", true)]
    [InlineData("{{ 'it\\'s' }}{{ \"'\" ~ 1000000 }}", true)]
    [InlineData("{% for a in range(10000) %}{% endfor %}{{ '20261201' }} 20261201 {{ \"it's 20261201\" }}", false)]
    public void Template_that_counts_beyond_all_conversations_is_refused_unopened(string template, bool refused)
    {
        using var set = new GenerativeModel(TinyDecoder.Files(template: template));
        using var beside = new GenerativeModel(
            [.. TinyDecoder.Files(), ("chat_template.jinja", Encoding.UTF8.GetBytes(template))]);

        foreach (var files in (GenerativeModel[])[set, beside])
        {
            var exception = Record.Exception(() => GenerationConfig.Beside(files.Path));

            Assert.Equal(
                refused ? "the chat template has a number of more than 5 digits in its code, which no conversation needs" : null,
                exception?.Message);
        }
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Configuration_that_leads_elsewhere_is_refused_before_the_library_sees_it(string path, string value)
    {
        using var files = new GenerativeModel(TinyDecoder.Files(config =>
        {
            var parts = path.Split('.');
            var at = config;
            foreach (var part in parts[..^1])
            {
                at = at[part]!.AsObject();
            }

            at[parts[^1]] = System.Text.Json.Nodes.JsonNode.Parse(value);
        }));

        var refused = Assert.Throws<InferenceTemplate.Worker.Inspection.ModelRefusedException>(() => GenerationConfig.Beside(files.Path));

        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _model.Dispose();
        _files.Dispose();
    }

    private static (string Text, int Tokens, string Reason) Expected(string content)
    {
        var (text, tokens, ended) = TinyDecoder.Continue(TinyDecoder.Prompt(content), Most);
        return (text, tokens, ended ? GenerationSignature.Stop : GenerationSignature.Length);
    }

    private async Task<GeneratedText> GenerateAsync(GenerationRequest request, GenerationModel? model = null, Action<string>? parts = null)
    {
        var answer = new RunningAnswer(request, parts);
        (model ?? _model).Start(answer);
        return await answer.End.WaitAsync(Wait.DefaultLimit);
    }

    private async Task<string> RefusedAsync(GenerationRequest request, GenerationModel model) =>
        (await Assert.ThrowsAsync<RefusedInputException>(() => GenerateAsync(request, model))).Message;
}
