using System.Buffers;
using System.ComponentModel;
using System.Globalization;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Direct;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Queues;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace InferenceTemplate.Api.Mcp;

/// <summary>What an agent can do. Each tool answers with the JSON of the path that does the same, or with an error in words.</summary>
[McpServerToolType]
internal sealed class McpTools(ModelCatalog catalog, FleetRegistry fleet, AuditLog audit, HttpContextAccessor http)
{
    /// <summary>Bytes of the tensors of an answer: more is no use to an agent, which reads every number.</summary>
    public const int MaxAnswerBytes = 256 << 10;

    public const string InferName = "infer";

    [McpServerTool(Name = "list_models", Title = "List models", ReadOnly = true, Idempotent = true, OpenWorld = false)]
    [Description("Names of the models that can be called. get_model tells what one takes and gives.")]
    public async Task<CallToolResult> ListModelsAsync(ClaimsPrincipal caller, CancellationToken cancellationToken) => Json(
        new ModelNameList([.. (await catalog.AllAsync(cancellationToken)).Select(v => v.Model)
            .Where(caller.MayUse).Distinct(StringComparer.Ordinal)]),
        ApiJson.Default.ModelNameList);

    [McpServerTool(Name = "get_model", Title = "Get a model", ReadOnly = true, Idempotent = true, OpenWorld = false)]
    [Description("Versions, inputs and outputs of a model. A shape has -1 where any size fits; the first one usually counts rows.")]
    public async Task<CallToolResult> GetModelAsync(
        ClaimsPrincipal caller,
        [Description("The model's name.")] string model,
        CancellationToken cancellationToken,
        [Description("A version's number or alias; left out: the stable one.")] string? version = null)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        return Hidden(caller, model, version) is { } unknown ? Error(unknown)
            : ModelMetadataEndpoints.Of(snapshot, model, version) is { } metadata ? Json(metadata, ApiJson.Default.ModelMetadata)
            : Error(snapshot.WhyNot(model, version));
    }

    [McpServerTool(Name = "is_model_ready", Title = "Is a model ready?", ReadOnly = true, Idempotent = true, OpenWorld = false)]
    [Description("Whether a worker has a model open, or opens it for the next call.")]
    public async Task<CallToolResult> IsModelReadyAsync(
        ClaimsPrincipal caller, [Description("The model's name.")] string model, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        return Hidden(caller, model, null) is { } unknown ? Error(unknown)
            : snapshot.Find(model, null) is { } found
                ? Json(new ModelReady(model, await ModelMetadataEndpoints.IsReadyAsync(fleet, found)), ApiJson.Default.ModelReady)
                : Error(snapshot.WhyNot(model, null));
    }

    [McpServerTool(Name = InferName, Title = "Run a model", ReadOnly = true, Idempotent = true, OpenWorld = false)]
    [Description("Runs a model on tensors, as the Open Inference Protocol v2 has them. get_model tells its inputs.")]
    public async Task<CallToolResult> InferAsync(
        ClaimsPrincipal caller,
        InferPipeline pipeline,
        InferInput input,
        TrafficMeter traffic,
        TimeProvider time,
        [Description("The model's name.")] string model,
        [Description("""Its inputs, such as [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 1]}], data flat and row-major.""")]
        JsonElement inputs,
        CancellationToken cancellationToken,
        [Description("A version's number or alias; left out: whichever the traffic policy chooses.")] string? version = null,
        [Description("Names of the outputs to answer with; left out: all.")] string[]? outputs = null)
    {
        var (start, status) = (time.GetTimestamp(), StatusCodes.Status500InternalServerError);
        traffic.Begin();
        try
        {
            var outcome = await RunAsync(caller, pipeline, input, model, version, Request(inputs, outputs ?? []), cancellationToken);
            status = outcome.Status;
            return Told(outcome);
        }
        finally
        {
            traffic.End(time.GetElapsedTime(start), status);
        }
    }

    [McpServerTool(Name = "get_health", Title = "Health", ReadOnly = true, Idempotent = true, OpenWorld = false)]
    [Description("Whether the platform is ready to answer.")]
    public static async Task<CallToolResult> GetHealthAsync(HealthCheckService health, CancellationToken cancellationToken) =>
        Json(new ServerReady(Live: true, await Server.IsReadyAsync(health, cancellationToken)), ApiJson.Default.ServerReady);

    [McpServerTool(Name = "list_queues", Title = "List queues", ReadOnly = true, Idempotent = true, OpenWorld = false)]
    [Description("For administrators: how many requests wait or run, by model and priority, how old they are, and how many failed for good.")]
    [Authorize(Policy = Policies.Administer)]
    public async Task<CallToolResult> ListQueuesAsync(
        QueueTotals queue, QueueRejections rejections, DirectCalls direct, CancellationToken cancellationToken) => Json(
        (await QueueList.GetAsync(catalog, queue, rejections, direct, cancellationToken)).Value!, ApiJson.Default.QueueOverviews);

    private async Task<InferOutcome> RunAsync(
        ClaimsPrincipal caller, InferPipeline pipeline, InferInput input, string model, string? version, ReadOnlyMemory<byte> request,
        CancellationToken cancellationToken)
    {
        if (Hidden(caller, model, version) is { } unknown)
        {
            return new(StatusCodes.Status404NotFound, unknown);
        }

        var (admitted, refused) = await pipeline.AdmitAsync(caller, model, version, waits: true, request.Length, cancellationToken);
        if (admitted is null)
        {
            return refused!;
        }

        var (body, unreadable) = await pipeline.ReadAsync(
            admitted, (input, request), static (source, routed) => new(
                source.input.Read(source.request.Span, routed.Version, routed.Settings)));
        return body is null ? unreadable! : await pipeline.RunAsync(admitted, body, deadline: null, cancellationToken);
    }

    // The protocol's own request, so that it is read by the same rules and refused in the same words.
    private static ReadOnlyMemory<byte> Request(JsonElement inputs, string[] outputs)
    {
        var written = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(written))
        {
            json.WriteStartObject();
            json.WritePropertyName("inputs"u8);

            // Some agents give what is no text as one. Half a character is for the reader to refuse.
            var given = inputs.ValueKind == JsonValueKind.String ? JsonIn(inputs) ?? inputs.GetRawText() : inputs.GetRawText();
            json.WriteRawValue(given, skipInputValidation: true);
            json.WriteStartArray("outputs"u8);
            foreach (var output in outputs)
            {
                json.WriteStartObject();
                json.WriteString("name"u8, output);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return written.WrittenMemory;
    }

    private static string? JsonIn(JsonElement text)
    {
        try
        {
            var json = text.GetString()!;
            using var read = JsonDocument.Parse(json);
            return read.RootElement.ValueKind == JsonValueKind.Array ? json : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static CallToolResult Told(InferOutcome outcome)
    {
        if (outcome.Status != StatusCodes.Status200OK)
        {
            return Error(outcome.RetryAfter is { } seconds
                ? string.Create(CultureInfo.InvariantCulture, $"{outcome.Error} (try again in {seconds} s)")
                : outcome.Error ?? "the call was cancelled");
        }

        var reply = outcome.Reply!;
        var size = reply.Outputs.Sum(o => (long)o.Data.Length);
        if (size > MaxAnswerBytes)
        {
            return Error($"the outputs have {size} bytes, {MaxAnswerBytes} at most are answered here: name the outputs that you need, or send fewer rows");
        }

        if (InferResponseWriter.Refusal(reply, OutputForms.Json) is { } unwritable)
        {
            return Error(unwritable);
        }

        var json = new ArrayBufferWriter<byte>();
        InferResponseWriter.Write(json, outcome.Version!.Model, outcome.Version.Version, outcome.Body!.Id, reply, outcome.Parameters);
        return Text(Encoding.UTF8.GetString(json.WrittenSpan));
    }

    private string? Hidden(ClaimsPrincipal caller, string model, string? version)
    {
        if (caller.MayUse(model))
        {
            return null;
        }

        RefusalAudit.Denied(audit, http.HttpContext!, model, "the model is not among those that the caller may use");
        return CatalogSnapshot.Empty.WhyNot(model, version);
    }

    private static CallToolResult Json<T>(T value, JsonTypeInfo<T> type) => Text(JsonSerializer.Serialize(value, type));

    private static CallToolResult Text(string text) => new() { Content = [new TextContentBlock { Text = text }] };

    private static CallToolResult Error(string text) => new() { Content = [new TextContentBlock { Text = text }], IsError = true };
}
