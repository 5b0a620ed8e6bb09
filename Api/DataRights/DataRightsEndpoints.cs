using System.Security.Claims;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.DataRights;

/// <param name="State"><c>running</c> or <c>done</c>.</param>
/// <param name="Rows">Rows removed or made anonymous so far.</param>
internal sealed record ErasureView(string Tenant, string State, DateTimeOffset StartedAt, DateTimeOffset? FinishedAt, long Rows)
{
    public static ErasureView Of(TenantErasureState state) =>
        new(state.TenantId, state.FinishedAt is null ? "running" : "done", state.StartedAt, state.FinishedAt, state.Rows);
}

/// <summary>A tenant's data: to take along, and to be gone.</summary>
internal static class DataRightsEndpoints
{
    public static void MapDataRights(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/v1/export", OwnAsync).WithSummary("All data of the own tenant, as a zip").RequireAuthorization(Policies.Observe);
        var tenant = endpoints.MapGroup("/v1/tenants/{tenant}").RequireAuthorization(Policies.Administer);
        tenant.MapGet("/export", ExportAsync).WithSummary("All data of a tenant, as a zip");
        tenant.MapGet("/erasure", StatusAsync).WithSummary("How far the erasure of a deleted tenant is");
        tenant.MapPost("/erasure", EraseAsync).WithSummary("Erase a deleted tenant now");
    }

    private static Task OwnAsync(
        HttpContext context, TenantExport export, ExportSlots slots, ApiKeyLookup keys, AuditLog audit, IOptions<DataRightsOptions> options,
        TimeProvider time) =>
        SendAsync(context, context.User.TenantId(), export, slots, keys, audit, options.Value, time);

    private static async Task ExportAsync(
        string tenant, HttpContext context, TenantExport export, ExportSlots slots, ApiKeyLookup keys, AuditLog audit,
        IOptions<DataRightsOptions> options, TimeProvider time)
    {
        if (!IsText(tenant) || !await export.ExistsAsync(tenant, context.RequestAborted))
        {
            await Unknown(tenant).ExecuteAsync(context);
            return;
        }

        await SendAsync(context, tenant, export, slots, keys, audit, options.Value, time);
    }

    private static async Task SendAsync(
        HttpContext context, string tenant, TenantExport export, ExportSlots slots, ApiKeyLookup keys, AuditLog audit,
        DataRightsOptions options, TimeProvider time)
    {
        if (await keys.ModelsOfAsync(context.User, tenant) is not null)
        {
            await TypedResults.Problem(
                $"an export has the data of all models of the tenant '{tenant}', and the key or token is for some only: "
                + "use one without 'models'",
                statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(context);
            return;
        }

        using var slot = slots.Take(tenant);
        if (!slot.IsAcquired)
        {
            context.Response.Headers.RetryAfter = "10";
            await TypedResults.Problem(
                $"an export of the tenant '{tenant}' is running already, or {options.MaxExports} of others (DataRights:MaxExports): "
                + "try again when one has ended",
                statusCode: StatusCodes.Status429TooManyRequests).ExecuteAsync(context);
            return;
        }

        // What is broken off has no end that a reader could take for one.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(options.ExportTimeout);

        // Nothing leaves unrecorded: without the entry there is no export.
        await audit.RecordAsync(By(context.User, AuditActions.Exported, tenant), context.RequestAborted);
        context.Response.ContentType = "application/zip";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.ContentDisposition =
            $"attachment; filename=\"{FileName(tenant)}-{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}.zip\"";

        // Payloads are for admins, of all models.
        var caller = context.User;
        await export.WriteAsync(
            tenant, caller.IsInRole(Roles.Admin) && caller.Models() is null, context.Response.Body, limit.Token);
    }

    private static async Task<IResult> StatusAsync(string tenant, TenantErasure erasure, CancellationToken cancellationToken) =>
        IsText(tenant) && await erasure.FindAsync(tenant, cancellationToken) is { } state
            ? TypedResults.Json(ErasureView.Of(state), DataRightsJson.Default.ErasureView)
            : TypedResults.Problem($"nothing of a tenant '{tenant}' was erased", statusCode: StatusCodes.Status404NotFound);

    private static async Task<IResult> EraseAsync(
        string tenant, ClaimsPrincipal caller, TenantErasure erasure, TenantExport export, AuditLog audit,
        CancellationToken cancellationToken)
    {
        if (!IsText(tenant) || !await export.ExistsAsync(tenant, cancellationToken))
        {
            return Unknown(tenant);
        }

        if (!await erasure.BeginAsync(tenant, cancellationToken))
        {
            return TypedResults.Problem(
                tenant == Tenant.DefaultId
                    ? "the operator's own tenant can't be erased"
                    : $"the tenant '{tenant}' is not deleted: delete it first",
                statusCode: StatusCodes.Status409Conflict);
        }

        await audit.RecordAsync(By(caller, "tenant.erasure_requested", tenant), cancellationToken);
        return TypedResults.Json(
            ErasureView.Of((await erasure.FindAsync(tenant, cancellationToken))!), DataRightsJson.Default.ErasureView,
            statusCode: StatusCodes.Status202Accepted);
    }

    private static AuditEvent By(ClaimsPrincipal caller, string action, string tenant) =>
        new(action, caller.Identity?.Name ?? "unnamed", tenant, tenant) { ActorTenantId = caller.TenantId() };

    // Postgres refuses it, and no tenant's id has it.
    private static bool IsText(string tenant) => !tenant.Contains('\0', StringComparison.Ordinal);

    private static string FileName(string tenant) => string.Concat(tenant.Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '_'));

    private static ProblemHttpResult Unknown(string tenant) =>
        TypedResults.Problem($"there is no tenant '{tenant}'", statusCode: StatusCodes.Status404NotFound);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ErasureView))]
internal sealed partial class DataRightsJson : JsonSerializerContext;
