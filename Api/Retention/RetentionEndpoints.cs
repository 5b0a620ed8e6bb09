using System.Globalization;
using System.Security.Claims;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Api.Retention;

internal sealed record RetentionReport(ExpiredRows[] Rows);

/// <summary><c>/v1/retention</c>: what is too old, and its removal before the next hour.</summary>
internal static class RetentionEndpoints
{
    /// <summary>Enforces the periods while the Api runs.</summary>
    public static void MapRetention(this IEndpointRouteBuilder endpoints)
    {
        var retention = endpoints.MapGroup("/v1/retention").RequireAuthorization(Policies.Administer);
        retention.MapGet("/preview", PreviewAsync).WithSummary("What the next run would delete");
        retention.MapPost("/run", RunAsync).WithSummary("Delete what is too old now");
    }

    /// <summary>What is recorded of a run that somebody asked for.</summary>
    public static AuditEvent Event(string actor, string? actorTenant, IReadOnlyList<ExpiredRows> deleted) => new(
        AuditActions.RetentionRun,
        actor,
        TenantId: null,
        Subject: null,
        deleted.GroupBy(d => d.Table, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Sum(d => d.Rows).ToString(CultureInfo.InvariantCulture), StringComparer.Ordinal))
    {
        ActorTenantId = actorTenant,
    };

    private static async Task<IResult> PreviewAsync(RetentionRun retention, CancellationToken cancellationToken) =>
        TypedResults.Json(new RetentionReport([.. await retention.PreviewAsync(cancellationToken)]), RetentionJson.Default.RetentionReport);

    private static async Task<IResult> RunAsync(
        ClaimsPrincipal caller, RetentionRun retention, AuditLog audit, CancellationToken cancellationToken)
    {
        var actor = caller.Identity?.Name ?? "unnamed";
        if (await retention.RunAsync(actor, cancellationToken) is not { } deleted)
        {
            return TypedResults.Problem(
                "another process is at it: look at the preview in a while", statusCode: StatusCodes.Status409Conflict);
        }

        audit.Record(Event(actor, caller.TenantId(), deleted));
        return TypedResults.Json(new RetentionReport([.. deleted]), RetentionJson.Default.RetentionReport);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RetentionReport))]
internal sealed partial class RetentionJson : JsonSerializerContext;
