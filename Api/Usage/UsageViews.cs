using System.Text.Json.Serialization;

namespace InferenceTemplate.Api.Usage;

/// <summary>Sums of use. What was not asked to be told apart is left out.</summary>
/// <param name="Start">Of the hour, day or month (UTC).</param>
/// <param name="Requests">Admitted inferences: calls, cached responses, and jobs that ran.</param>
/// <param name="Failures">Of those, without an answer of the model.</param>
/// <param name="Cached">Of those, answered from memory.</param>
/// <param name="Jobs">Of those, jobs.</param>
/// <param name="DeviceSeconds">Shares of the runs' time.</param>
/// <param name="Cost">Shares of the runs' price, and that of tokens where they have one.</param>
/// <param name="PromptTokens">Of prompts of models that generate text.</param>
/// <param name="CompletionTokens">Generated ones.</param>
internal sealed record UsageSums(
    string? Tenant, string? Model, string? Version, DateTimeOffset? Start,
    long Requests, long Failures, long Cached, long Jobs, decimal DeviceSeconds, decimal Cost,
    long PromptTokens, long CompletionTokens)
{
    public static UsageSums Of(UsageRow row) => new(
        row.Tenant, row.Model, row.Version, row.Start, row.Requests, row.Failures, row.Cached, row.Jobs, Shortest(row.DeviceSeconds),
        Shortest(row.Cost), row.PromptTokens, row.CompletionTokens);

    public static UsageSums Total(IReadOnlyCollection<UsageRow> rows) => new(
        null, null, null, null, rows.Sum(r => r.Requests), rows.Sum(r => r.Failures), rows.Sum(r => r.Cached), rows.Sum(r => r.Jobs),
        Shortest(rows.Sum(r => r.DeviceSeconds)), Shortest(rows.Sum(r => r.Cost)), rows.Sum(r => r.PromptTokens),
        rows.Sum(r => r.CompletionTokens));

    // Dividing by a one of 28 decimals takes the trailing zeros away.
    private static decimal Shortest(decimal number) => number / 1.0000000000000000000000000000m;
}

internal sealed record UsageAnswer(DateTimeOffset From, DateTimeOffset To, string Currency, UsageSums[] Usage, UsageSums Total);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UsageAnswer))]
internal sealed partial class UsageJson : JsonSerializerContext;
