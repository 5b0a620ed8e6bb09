using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Batching;
using InferenceTemplate.Tests.Worker.Direct;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Inspection;
using ModelFile = InferenceTemplate.Worker.Models.ModelFile;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Generation;

/// <summary>A model that generates text, as a worker serves it: over the queue, and in parts over a direct connection.</summary>
public sealed class ServedGenerationTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Requests_get_their_answers_more_of_them_than_there_are_slots(Way way)
    {
        using var files = new GenerativeModel(TinyDecoder.Files());
        await using var served = await ServeAsync(files, way);
        var questions = Enumerable.Range(0, 20).Select(i => $"question {i}").ToList();
        var start = Stopwatch.GetTimestamp();

        var replies = await Task.WhenAll(questions.Select(async question =>
            await (await served.SendAsync(Request(question, 60, stream: question.Length > 10))).Reply));

        // Each is charged for what was computed for it, and so all together for no more than there was.
        var elapsed = Stopwatch.GetElapsedTime(start);
        Assert.All(replies, r => Assert.True(r.ComputeTime > TimeSpan.Zero));
        Assert.True(replies.Aggregate(TimeSpan.Zero, (sum, r) => sum + r.ComputeTime) <= elapsed);
        foreach (var (question, reply) in questions.Zip(replies))
        {
            var (text, tokens, _) = TinyDecoder.Continue(TinyDecoder.Prompt(question), 60);
            Assert.Equal((ReplyOutcome.Completed, text), (reply.Outcome, TextOf(reply)));
            Assert.Equal(
                [TinyDecoder.Count(TinyDecoder.Prompt(question)), tokens],
                MemoryMarshal.Cast<byte, long>(reply.Outputs.Single(o => o.Name == "usage").Data.Span).ToArray());
        }

        Assert.All(served.Batches, rows => Assert.Equal(1, rows));
    }

    [Fact]
    public async Task Parts_come_before_the_answer_in_order_and_only_where_they_are_wanted()
    {
        using var files = new GenerativeModel(TinyDecoder.Files());
        await using var served = await ServeAsync(files, Way.Direct);

        var whole = await served.SendAsync(Request("Hello there", 60, stream: false));
        _ = await whole.Reply;
        Assert.Empty(served.Replica.Of(FrameType.Part));
        var (id, reply) = await served.SendAsync(Request("Hello there", 60, stream: true));
        var text = TextOf(await reply);

        List<DirectPart> parts = [.. served.Replica.Of(FrameType.Part).Select(f => DirectMessages.DecodePart(f.Payload))];
        Assert.True(parts.Count > 10 && parts.All(p => p.Id == id));
        Assert.Equal(text, Encoding.UTF8.GetString([.. parts.SelectMany(p => p.Text.ToArray())]));
        Assert.Equal(parts.Select((_, i) => parts.Take(i).Sum(p => p.Text.Length)), parts.Select(p => p.Start));
        Assert.Equal(
            FrameType.Replies, served.Replica.Frames.Last(f => f.Type is FrameType.Part or FrameType.Replies).Type);
    }

    [Fact]
    public async Task Refused_request_says_why_and_a_cancelled_one_gives_its_slot_to_the_next()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        await using var served = await ServeAsync(files, Way.Direct);
        var running = new List<Guid>();
        for (var i = 0; i < 2; i++)
        {
            running.Add((await served.SendAsync(Request($"question {i}", 30_000, stream: true))).Id);
        }

        await Wait.UntilAsync(() => served.Replica.Of(FrameType.Part)
            .Select(f => DirectMessages.DecodePart(f.Payload).Id).Distinct().Count() == 2);
        var next = (await served.SendAsync(Request("Hello", 5, stream: false))).Reply;

        await served.CancelAsync(running[0]);

        Assert.Equal(TinyDecoder.Continue(TinyDecoder.Prompt("Hello"), 5, ends: false).Text, TextOf(await next));
        var refused = await (await served.SendAsync(Request(string.Concat(Enumerable.Repeat("x1! ", TinyDecoder.ContextLength)), 1, stream: false))).Reply;
        Assert.Equal(ReplyOutcome.Refused, refused.Outcome);
        Assert.Contains(GenerationSignature.ContextExceeded, refused.Error, StringComparison.Ordinal);
        await served.CancelAsync(running[1]);
    }

    [Fact]
    public async Task Answer_ends_with_its_deadline()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        await using var served = await ServeAsync(files, Way.Direct);

        var reply = await (await served.SendAsync(Request("a", 30_000, stream: true), timeout: TimeSpan.FromSeconds(3))).Reply;

        Assert.Equal((ReplyOutcome.Expired, "the deadline passed during the run"), (reply.Outcome, reply.Error));
        Assert.True(reply.ComputeTime > TimeSpan.Zero);
        Assert.NotEmpty(served.Replica.Of(FrameType.Part));
    }

    [Fact]
    public async Task Drain_lets_answers_finish_and_returns_what_runs_beyond_its_limit()
    {
        using var files = new GenerativeModel(TinyDecoder.Files(ends: false));
        await using var served = await ServeAsync(files, Way.Direct, new WorkerOptions { DrainTimeout = TimeSpan.FromSeconds(3) });
        var (endless, _) = await served.SendAsync(Request("a", 30_000, stream: true));
        var (_, finishes) = await served.SendAsync(Request("b", 300, stream: true));
        await Wait.UntilAsync(() => served.Replica.Of(FrameType.Part)
            .Select(f => DirectMessages.DecodePart(f.Payload).Id).Distinct().Count() == 2);

        await served.StopAsync();

        Assert.Equal(TinyDecoder.Continue(TinyDecoder.Prompt("b"), 300, ends: false).Text, TextOf(await finishes));
        await Wait.UntilAsync(() => served.Replica.Returned.Any());
        Assert.Equal(new DirectReturn(endless, null), Assert.Single(served.Replica.Returned));
    }

    [Fact]
    public async Task Inspection_accepts_the_model_and_survives_what_its_configuration_breaks()
    {
        using var good = new GenerativeModel(TinyDecoder.Files());
        using var broken = new GenerativeModel(TinyDecoder.Files(config => config["model"]!["decoder"]!["outputs"]!["logits"] = "nope"));
        using var typeless = new GenerativeModel(TinyDecoder.Files(config => config["model"]!["type"] = "no-such-type"));
        using var recursive = new GenerativeModel(TinyDecoder.Files(template: "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"));
        using var tokenless = new GenerativeModel([.. TinyDecoder.Files().Where(f => f.Name != "tokenizer.json")]);
        var inspector = new ModelInspector(
            Options.Create(new InspectionOptions()), Options.Create(new SignatureLimits()), Options.Create(new WorkerOptions()),
            TimeProvider.System);

        var accepted = await inspector.InspectAsync(good.Folder, samplePath: null, Cancellation);
        var refusals = await Task.WhenAll(((GenerativeModel[])[broken, typeless, tokenless, recursive])
            .Select(m => inspector.InspectAsync(m.Folder, samplePath: null, Cancellation)));

        Assert.True(accepted.Model is not null, accepted.Reason);
        Assert.True(GenerationSignature.IsOf(accepted.Model.Signature));
        Assert.Equal("it generates text, each answer by itself", accepted.Model.Batching!.Reason);
        Assert.Contains("it did not generate a token: Model output was not found: nope", refusals[0].Reason, StringComparison.Ordinal);
        Assert.Contains("no-such-type", refusals[1].Reason, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json is not beside genai_config.json", refusals[2].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inspection_refuses_a_chat_template_that_takes_longer_than_a_worker_waits_for_some_conversation()
    {
        const string Loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
        using var several = new GenerativeModel(TinyDecoder.Files(template: $"{{% if messages|length > 60 %}}{Loops}{{% endif %}}a"));
        using var tools = new GenerativeModel(TinyDecoder.Files(template: $"{{% if tools %}}{Loops}{{% endif %}}a"));
        var inspector = new ModelInspector(
            Options.Create(new InspectionOptions()), Options.Create(new SignatureLimits()), Options.Create(new WorkerOptions()),
            TimeProvider.System);

        var reports = await Task.WhenAll(((GenerativeModel[])[several, tools])
            .Select(m => inspector.InspectAsync(m.Folder, samplePath: null, Cancellation)));

        Assert.Equal("its chat template takes too long, given a conversation of many messages", reports[0].Reason);
        Assert.Equal("its chat template takes too long, given tools", reports[1].Reason);
    }

    [Fact]
    public async Task Span_of_the_run_says_what_was_generated()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var files = new GenerativeModel(TinyDecoder.Files());
        await using var served = await ServeAsync(files, Way.Direct);

        _ = TextOf(await (await served.SendAsync(Request("Hello there", 5, stream: false))).Reply);

        await Wait.UntilAsync(() => spans.Any(s => s.OperationName == $"infer {served.Name}"));
        var span = spans.Single(s => s.OperationName == $"infer {served.Name}");
        Assert.Equal(("chat", served.Name), (span.GetTagItem("gen_ai.operation.name"), span.GetTagItem("gen_ai.request.model")));
        Assert.Equal(
            (TinyDecoder.Count(TinyDecoder.Prompt("Hello there")), 5),
            (span.GetTagItem("gen_ai.usage.input_tokens"), span.GetTagItem("gen_ai.usage.output_tokens")));
    }

    [Fact]
    public void Tokens_and_times_are_measured_by_the_conventions_for_generative_ai()
    {
        using var meters = new Meters();
        var telemetry = new GenerationTelemetry(meters);
        List<(string Name, double Value, string? Type)> seen = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (ReferenceEquals(instrument.Meter, meters.Meter))
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        void See(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Assert.Contains(KeyValuePair.Create<string, object?>("gen_ai.operation.name", "chat"), tags.ToArray());
            Assert.Contains(KeyValuePair.Create<string, object?>("gen_ai.request.model", "m"), tags.ToArray());
            seen.Add((name, value, tags.ToArray().FirstOrDefault(t => t.Key == "gen_ai.token.type").Value as string));
        }

        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => See(instrument.Name, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => See(instrument.Name, value, tags));
        listener.Start();

        telemetry.Generated(
            "m", GenerativeModel.Chat("x"),
            new GeneratedText("text", GenerationSignature.Stop, 7, 5, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)));

        Assert.Equal(
            [
                ("gen_ai.server.request.duration", 3, null),
                ("gen_ai.server.time_to_first_token", 1, null),
                ("gen_ai.server.time_per_output_token", 0.5, null),
                ("gen_ai.client.token.usage", 7, "input"),
                ("gen_ai.client.token.usage", 5, "output"),
            ],
            seen);
    }

    private static InferenceTemplate.Core.Tensors.Tensor Request(string content, int most, bool stream) =>
        GenerationSignature.RequestOf(GenerativeModel.Chat(content, most) with { Stream = stream });

    private static string TextOf(InferenceReply reply)
    {
        Assert.True(reply.Outcome == ReplyOutcome.Completed, reply.Error);
        return Encoding.UTF8.GetString(reply.Outputs.Single(o => o.Name == GenerationSignature.Text).Data.Span[sizeof(uint)..]);
    }

    // Two slots.
    private async Task<ServedModel> ServeAsync(GenerativeModel files, Way way, WorkerOptions? options = null)
    {
        var session = ModelSession.Over(new ModelFile($"g{Guid.NewGuid():N}", "1", files.Path), files.Open());
        var served = await ServedModel.CreateAsync(servers, session, options: options, way: way, batched: false);
        _ = served.Serve();
        return served;
    }

    private sealed class Meters : IMeterFactory
    {
        public Meter? Meter { get; private set; }

        public Meter Create(MeterOptions options) => Meter = new Meter(options);

        public void Dispose() => Meter?.Dispose();
    }
}
