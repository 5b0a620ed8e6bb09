using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Tenants;

/// <summary><c>/v1/tenants</c>: who shares the platform, and how much of it each may have.</summary>
internal static class TenantEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 500;

    public static void MapTenants(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOwnTenant();
        var tenants = endpoints.MapGroup("/v1/tenants").RequireAuthorization(Policies.Administer);
        tenants.MapGet("/", ListAsync).WithSummary("Tenants, by id");
        tenants.MapPost("/", CreateAsync).WithSummary("Make a tenant");
        tenants.MapGet("/{id}", GetAsync).WithSummary("A tenant");
        tenants.MapPatch("/{id}", PatchAsync).WithSummary("Change the limits that are named (RFC 7396)");
        tenants.MapPut("/{id}", PutAsync).WithSummary("Set all limits; what is not named is the platform's");
        tenants.MapDelete("/{id}", async (string id, ClaimsPrincipal caller, TenantStore store, IOptions<TenantOptions> platform,
            CancellationToken cancellationToken) =>
            Show(await store.DeleteAsync(id, Actor.Of(caller), cancellationToken), platform))
                .WithSummary("Delete a tenant: its work is refused at once");
        tenants.MapPost("/{id}/suspend", async (string id, ClaimsPrincipal caller, TenantStore store, IOptions<TenantOptions> platform,
            CancellationToken cancellationToken) =>
            Show(await store.SuspendAsync(id, Actor.Of(caller), cancellationToken), platform))
                .WithSummary("Refuse all credentials of a tenant");
        tenants.MapPost("/{id}/resume", async (string id, ClaimsPrincipal caller, TenantStore store, IOptions<TenantOptions> platform,
            CancellationToken cancellationToken) =>
            Show(await store.ResumeAsync(id, Actor.Of(caller), cancellationToken), platform))
                .WithSummary("Accept a suspended tenant again");
    }

    private static async Task<IResult> ListAsync(
        bool? deleted, int? limit, string? after, TenantStore store, IOptions<TenantOptions> platform, CancellationToken cancellationToken)
    {
        var count = limit ?? DefaultLimit;
        if (count is < 1 or > MaxLimit)
        {
            return TenantBody.Wrong("limit", $"{count} given, 1 to {MaxLimit} expected").ToResult();
        }

        // One more than asked for tells whether there are more.
        var tenants = await store.ListAsync(deleted ?? false, after, count + 1, cancellationToken);
        var page = new TenantPage(
            [.. tenants.Take(count).Select(t => TenantView.Of(t, platform.Value))], tenants.Count > count ? tenants[count - 1].Id : null);
        return TypedResults.Json(page, TenantsJson.Default.TenantPage);
    }

    private static async Task<IResult> GetAsync(
        string id, TenantStore store, IOptions<TenantOptions> platform, CancellationToken cancellationToken) =>
        await store.FindAsync(id, cancellationToken) is { } tenant
            ? TypedResults.Json(TenantView.Of(tenant, platform.Value), TenantsJson.Default.TenantView)
            : new TenantProblem(TenantProblemKind.NotFound, $"There is no tenant '{id}'.").ToResult();

    private static async Task<IResult> CreateAsync(
        HttpContext context, ClaimsPrincipal caller, TenantStore store, IOptions<TenantOptions> platform,
        CancellationToken cancellationToken)
    {
        var (body, unreadable) = await TenantBody.ReadAsync(context.Request, cancellationToken);
        if (body is null)
        {
            return unreadable!.ToResult();
        }

        if (body["id"] is not JsonValue given || given.GetValueKind() != JsonValueKind.String)
        {
            return TenantBody.Wrong("id", $"missing: {TenantStore.IdRule} expected").ToResult();
        }

        var id = given.GetValue<string>();
        body.Remove("id");
        var (settings, wrong) = TenantBody.Merge(new TenantSettings { Name = id }, body);
        if (settings is null)
        {
            return wrong!.ToResult();
        }

        var created = await store.CreateAsync(id, settings, Actor.Of(caller), cancellationToken);
        if (created.Tenant is null)
        {
            return created.Problem!.ToResult();
        }

        context.Response.Headers.Location = $"/v1/tenants/{id}";
        return TypedResults.Json(
            TenantView.Of(created.Tenant, platform.Value), TenantsJson.Default.TenantView, statusCode: StatusCodes.Status201Created);
    }

    private static Task<IResult> PatchAsync(
        string id, HttpContext context, ClaimsPrincipal caller, TenantStore store, IOptions<TenantOptions> platform,
        CancellationToken cancellationToken) =>
        UpdateAsync(id, context, caller, store, platform, present => present, cancellationToken);

    // The name stays where none is given: it is no limit.
    private static Task<IResult> PutAsync(
        string id, HttpContext context, ClaimsPrincipal caller, TenantStore store, IOptions<TenantOptions> platform,
        CancellationToken cancellationToken) =>
        UpdateAsync(id, context, caller, store, platform, present => new TenantSettings { Name = present.Name }, cancellationToken);

    private static async Task<IResult> UpdateAsync(
        string id, HttpContext context, ClaimsPrincipal caller, TenantStore store, IOptions<TenantOptions> platform,
        Func<TenantSettings, TenantSettings> begin, CancellationToken cancellationToken)
    {
        var (body, unreadable) = await TenantBody.ReadAsync(context.Request, cancellationToken);
        return body is null
            ? unreadable!.ToResult()
            : Show(await store.UpdateAsync(
                id, present => TenantBody.Merge(begin(present), body), Actor.Of(caller), cancellationToken), platform);
    }

    private static IResult Show((Tenant? Tenant, TenantProblem? Problem) changed, IOptions<TenantOptions> platform) =>
        changed.Tenant is { } tenant
        ? TypedResults.Json(TenantView.Of(tenant, platform.Value), TenantsJson.Default.TenantView)
        : changed.Problem!.ToResult();
}
