using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Security;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Chat;

/// <summary><c>POST /v1/chat/completions</c> and <c>/v1/completions</c>, as OpenAI's clients call them.</summary>
internal static class ChatEndpoint
{
    private const string Chat = "/v1/chat/completions";
    private const string Completions = "/v1/completions";

    private const string ChatExample = """{"model":"phi","messages":[{"role":"user","content":"What is ONNX?"}],"max_tokens":100}""";

    private const string ChatAnswerExample = """
        {"id":"chatcmpl-0197","object":"chat.completion","created":1796000000,"model":"phi:1",
         "choices":[{"index":0,"message":{"role":"assistant","content":"A format for models.","refusal":null},
                     "logprobs":null,"finish_reason":"stop"}],
         "usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}
        """;

    private const string CompletionExample = """{"model":"phi","prompt":"ONNX is","max_tokens":20,"temperature":0}""";

    private const string CompletionAnswerExample = """
        {"id":"cmpl-0197","object":"text_completion","created":1796000000,"model":"phi:1",
         "choices":[{"index":0,"text":" a format for models.","logprobs":null,"finish_reason":"stop"}],
         "usage":{"prompt_tokens":4,"completion_tokens":5,"total_tokens":9}}
        """;

    public static IServiceCollection AddChat(this IServiceCollection services)
    {
        services.AddOptions<ChatOptions>().BindConfiguration(ChatOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.Configure<ErrorResponses>(errors =>
        {
            errors.Map(Chat, OpenAiErrors.WriteAsync);
            errors.Map(Completions, OpenAiErrors.WriteAsync);
        });
    }

    public static void MapChat(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").RequireAuthorization(Policies.Infer).WithMetadata(new OpenQuery());
        group.MapPost(Chat, (HttpContext context, OpenAiCalls calls, InferPipeline pipeline, TimeProvider time) =>
                HandleAsync(context, calls, pipeline, time, chat: true))
            .WithSummary("An answer to messages, as OpenAI's API has it; whole or as events")
            .WithMetadata(new CountedAsTraffic(), new EndpointErrors(typeof(OpenAiError)))
            .WithBody<ChatRequest>(ChatExample, ChatAnswerExample)
            .Produces<ChatAnswer>()
            .Produces<OpenAiError>(StatusCodes.Status404NotFound)
            .Produces<OpenAiError>(StatusCodes.Status504GatewayTimeout);
        group.MapPost(Completions, (HttpContext context, OpenAiCalls calls, InferPipeline pipeline, TimeProvider time) =>
                HandleAsync(context, calls, pipeline, time, chat: false))
            .WithSummary("How a text goes on, as OpenAI's API has it; whole or as events")
            .WithMetadata(new CountedAsTraffic(), new EndpointErrors(typeof(OpenAiError)))
            .WithBody<CompletionRequest>(CompletionExample, CompletionAnswerExample)
            .Produces<CompletionAnswer>()
            .Produces<OpenAiError>(StatusCodes.Status404NotFound)
            .Produces<OpenAiError>(StatusCodes.Status504GatewayTimeout);
    }

    private static async Task HandleAsync(HttpContext context, OpenAiCalls calls, InferPipeline pipeline, TimeProvider time, bool chat)
    {
        if (await calls.ReadAsync(context, ChatJson.Default.JsonElement, Read) is not { } request)
        {
            return;
        }

        var parts = request.Generation.Stream ? new AnswerParts() : null;
        if (await calls.AdmitAsync(context, request.Model, (version, _) => BodyOf(request.Generation, parts, version))
            is not var (admitted, body))
        {
            return;
        }

        // A fallback may answer.
        ChatWriter WriterOf(ModelVersion version) =>
            new(chat, $"{version.Model}:{version.Version}", time.GetUtcNow(), request.IncludeUsage, request.Tools);
        var running = pipeline.RunAsync(admitted, body, deadline: null, context.RequestAborted).AsTask();
        if (parts is not null)
        {
            await StreamAsync(context, running, parts, admitted, () => WriterOf(parts.Version ?? admitted.Routed.Version), time);
            return;
        }

        var outcome = await running;
        if (outcome.Status != StatusCodes.Status200OK)
        {
            await OpenAiCalls.RefuseAsync(context, outcome);
            return;
        }

        OpenAiCalls.SetHeaders(context, outcome);
        using var json = new PooledBuffer();
        WriterOf(outcome.Version!).Whole(json, GeneratedOf(outcome));
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.WrittenCount;
        await context.Response.BodyWriter.WriteAsync(json.WrittenMemory, context.RequestAborted);

        TextRequest Read(JsonElement read)
        {
            var text = ChatReader.Read(read, chat);
            return text.Generation.Stream && context.Request.Headers.ContainsKey("Idempotency-Key")
                ? throw new InvalidInferBodyException("stream: an answer that comes in parts can't be kept for its Idempotency-Key")
                : text;
        }
    }

    // Nothing is sent before there is something, or proxies might take the stream for idle: until then an error is an ordinary answer, with
    // its status. Afterwards it is an event, and neither a reason nor [DONE] follows, without which no client takes the answer for whole.
    private static async Task StreamAsync(
        HttpContext context, Task<InferOutcome> running, AnswerParts parts, AdmittedRequest admitted, Func<ChatWriter> begin,
        TimeProvider time)
    {
        var keepAlive = context.RequestServices.GetRequiredService<IOptions<ChatOptions>>().Value.KeepAlive;
        _ = running.ContinueWith(_ => parts.Complete(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        var sent = new StringBuilder();
        var response = context.Response.BodyWriter;
        string? broken = null;
        ChatWriter? writer = null;
        var written = time.GetTimestamp();
        try
        {
            while (await NextAsync())
            {
                var text = "";
                while (parts.Reader.TryRead(out var part))
                {
                    text += part;
                }

                var begins = writer is null;
                writer ??= Begin();
                sent.Append(text);

                // Text that may be a call is held back, and the stream as silent as before.
                if (writer.Part(response, text) || begins)
                {
                    await SendAsync();
                }
                else if (Due() <= TimeSpan.Zero)
                {
                    await CommentAsync();
                }
            }
        }
        catch (InvalidDataException exception)
        {
            broken = exception.Message;
        }
        catch (OperationCanceledException)
        {
            // The caller left; the run ends by the same token.
        }

        var outcome = await running;
        if (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        var begun = context.Response.HasStarted || broken is not null;
        if (!begun && outcome.Status != StatusCodes.Status200OK)
        {
            await OpenAiCalls.RefuseAsync(context, outcome);
            return;
        }

        if (!begun)
        {
            OpenAiCalls.SetHeaders(context, outcome);
        }

        writer ??= Begin();
        var generated = outcome.Status == StatusCodes.Status200OK ? GeneratedOf(outcome) : null;
        if (generated?.Text.StartsWith(sent.ToString(), StringComparison.Ordinal) == false)
        {
            broken ??= "the parts of the answer are not its text";
        }

        if (generated is null || broken is not null)
        {
            Error(response, generated is null ? outcome.Status : StatusCodes.Status500InternalServerError, outcome.Error ?? broken!);
        }
        else
        {
            if (generated.Text.Length > sent.Length)
            {
                writer.Part(response, generated.Text[sent.Length..]);
            }

            writer.End(response, generated);
        }

        await response.FlushAsync(context.RequestAborted);

        async Task<bool> NextAsync()
        {
            var next = parts.Reader.WaitToReadAsync(context.RequestAborted).AsTask();
            while (true)
            {
                var due = Due();
                await ((Task)next).WaitAsync(due > TimeSpan.Zero ? due : TimeSpan.Zero, time, context.RequestAborted)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (next.IsCompleted)
                {
                    return await next;
                }

                await CommentAsync();
            }
        }

        TimeSpan Due() => keepAlive - time.GetElapsedTime(written);

        async Task CommentAsync()
        {
            SetHeaders();
            response.Write(": keep-alive\n\n"u8);
            await SendAsync();
        }

        async Task SendAsync()
        {
            await response.FlushAsync(context.RequestAborted);
            written = time.GetTimestamp();
        }

        ChatWriter Begin()
        {
            SetHeaders();
            var started = begin();
            started.Begin(response);
            return started;
        }

        // Of what is known by then; what the answer cost is not.
        void SetHeaders()
        {
            if (context.Response.HasStarted)
            {
                return;
            }

            var headers = context.Response.Headers;
            context.Response.ContentType = "text/event-stream";
            headers.CacheControl = "no-cache";

            // nginx would gather events.
            headers["X-Accel-Buffering"] = "no";
            RateLimitHeaders.Set(headers, admitted.Tenant, parts.Standing);
            var answering = parts.Version ?? admitted.Routed.Version;
            if (admitted.Routed.Role == TrafficRole.Fallback || answering != admitted.Routed.Version)
            {
                headers["Inference-Fallback"] = $"{answering.Model}/{answering.Version}";
            }
        }
    }

    private static void Error(IBufferWriter<byte> target, int status, string message)
    {
        target.Write("data: "u8);
        using (var json = new Utf8JsonWriter(target))
        {
            JsonSerializer.Serialize(json, OpenAiErrors.Of(status, message), OpenAiJson.Default.OpenAiError);
        }

        target.Write("\n\n"u8);
    }

    private static InferBody BodyOf(GenerationRequest request, AnswerParts? parts, ModelVersion version)
    {
        if (!GenerationSignature.IsOf(version.Signature))
        {
            throw new InvalidInferBodyException($"model: '{version.Model}' version {version.Version} does not generate text");
        }

        // Text takes its time: as much as any request may have.
        return new InferBody(null, TimeSpan.MaxValue, [GenerationSignature.RequestOf(request)], [])
        {
            Forms = OutputForms.Binary,
            Parts = parts,
        };
    }

    private static Generated GeneratedOf(InferOutcome outcome)
    {
        Tensor Output(string name) => outcome.Reply!.Outputs.First(o => o.Name == name);
        string Text(string name) => Encoding.UTF8.GetString(Output(name).Data.Span[sizeof(uint)..]);
        var usage = MemoryMarshal.Cast<byte, long>(Output(GenerationSignature.Usage).Data.Span);
        return new Generated(Text(GenerationSignature.Text), Text(GenerationSignature.FinishReason), usage[0], usage[1]);
    }
}
