using System.Text.Json;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Api.Audit;

/// <summary><c>/v1/audit</c>: the chain of what was done and tried, for administrators.</summary>
internal static class AuditEndpoints
{
    private const int MaxBodyBytes = 4 << 10;

    public static void MapAudit(this IEndpointRouteBuilder endpoints)
    {
        var audit = endpoints.MapGroup("/v1/audit").RequireAuthorization(Policies.Administer);
        audit.MapGet("", AuditList.GetAsync).WithSummary("Entries of the audit chain, the newest first");
        audit.MapGet("/head", HeadAsync).WithSummary("Number and hash of the newest entry, to be kept elsewhere");
        audit.MapPost("/verify", VerifyAsync).WithSummary("Go through the whole chain and name the first entry that is wrong");
    }

    private static async Task<IResult> HeadAsync(AuditChain chain, CancellationToken cancellationToken) =>
        TypedResults.Json(await chain.HeadAsync(cancellationToken), AuditJson.Default.AuditHead);

    private static async Task<IResult> VerifyAsync(HttpRequest request, AuditVerifier verifier, CancellationToken cancellationToken)
    {
        var (kept, problem) = await ReadAsync(request, cancellationToken);
        return problem is not null
            ? TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { ["body"] = [problem] })
            : TypedResults.Json(await verifier.VerifyAsync(kept, cancellationToken), AuditJson.Default.AuditVerification);
    }

    private static async Task<(AuditHead? Head, string? Problem)> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = new byte[MaxBodyBytes + 1];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken);
        if (length == 0)
        {
            return (null, null);
        }

        const string Expected = "expected nothing, or a head that was kept: {\"sequence\":17,\"hash\":\"64 hex digits\"}";
        try
        {
            var head = length > MaxBodyBytes ? null : JsonSerializer.Deserialize(body.AsSpan(0, length), AuditJson.Default.AuditHead);
            return head is { Sequence: >= 0, Hash: { } hash } && AuditHead.IsHash(hash) ? (head, null) : (null, Expected);
        }
        catch (JsonException)
        {
            return (null, Expected);
        }
    }
}
