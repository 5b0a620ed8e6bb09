using System.Buffers.Text;
using System.Security.Claims;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace InferenceTemplate.Api.Keys;

/// <summary><c>/v1/keys</c>: API keys of all tenants, for those who run the platform.</summary>
internal static class KeyEndpoints
{
    private const int MaxBodyBytes = 256 << 10;
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;

    public static void MapKeys(this IEndpointRouteBuilder endpoints)
    {
        var keys = endpoints.MapGroup("/v1/keys").RequireAuthorization(Policies.Administer)
            .WithMetadata(new RequestSizeLimitAttribute(MaxBodyBytes));
        keys.MapPost("", CreateAsync).WithSummary("Make a key; its secret is shown this once");
        keys.MapGet("", ListAsync).WithSummary("Keys of all tenants, or of one");
        keys.MapGet("/{id:guid}", GetAsync).WithSummary("A key");
        keys.MapPost("/{id:guid}/rotate", RotateAsync).WithSummary("Replace a key; the old one lives on for the overlap");
        keys.MapPost("/{id:guid}/revoke", RevokeAsync).WithSummary("End a key at once");
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, ClaimsPrincipal caller, ApiKeyRegistry keys, TimeProvider time, CancellationToken cancellationToken)
    {
        var (wanted, unreadable) = await KeyBodies.ReadAsync(context.Request, KeysJson.Default.KeyRequest, cancellationToken);
        if (wanted is null)
        {
            return unreadable!;
        }

        var (issued, problem) = await keys.CreateAsync(
            new NewApiKey(wanted.Name, wanted.Tenant ?? Tenant.DefaultId, wanted.Role, wanted.Models, wanted.ExpiresAt),
            Actor.Of(caller),
            cancellationToken);
        return problem is null ? Issued(context.Response, issued!, time) : KeyBodies.Refused(problem);
    }

    private static async Task<IResult> ListAsync(
        ApiKeyRegistry keys, TimeProvider time, CancellationToken cancellationToken,
        string? tenant = null, string? prefix = null, string? cursor = null, int limit = DefaultLimit)
    {
        if (limit is < 1 or > MaxLimit)
        {
            return KeyBodies.Invalid("limit", $"must be from 1 to {MaxLimit}; {limit} is given");
        }

        Guid? before = null;
        if (cursor is not null)
        {
            Span<byte> bytes = stackalloc byte[16];
            if (cursor.Length > 24 || !Base64Url.IsValid(cursor, out var length) || length != bytes.Length)
            {
                return KeyBodies.Invalid("cursor", $"'{cursor}' is not one that a list has given");
            }

            Base64Url.DecodeFromChars(cursor, bytes);
            before = new Guid(bytes, bigEndian: true);
        }

        // One more than asked for tells whether there are more.
        var found = await keys.ListAsync(tenant, prefix, before, limit + 1, cancellationToken);
        var next = found.Count > limit ? Base64Url.EncodeToString(found[limit - 1].Id.ToByteArray(bigEndian: true)) : null;
        var now = time.GetUtcNow();
        return TypedResults.Json(new KeyPage([.. found.Take(limit).Select(k => KeyView.Of(k, now))], next), KeysJson.Default.KeyPage);
    }

    private static async Task<IResult> GetAsync(Guid id, ApiKeyRegistry keys, TimeProvider time, CancellationToken cancellationToken) =>
        Shown(await keys.FindAsync(id, cancellationToken), id, time);

    private static async Task<IResult> RotateAsync(
        Guid id, HttpContext context, ClaimsPrincipal caller, ApiKeyRegistry keys, TimeProvider time, CancellationToken cancellationToken)
    {
        var (wanted, unreadable) = await KeyBodies.ReadOptionalAsync(
            context.Request, KeysJson.Default.RotationRequest, new RotationRequest(), cancellationToken);
        if (wanted is null)
        {
            return unreadable!;
        }

        var (issued, problem) = await keys.RotateAsync(
            id, wanted.Overlap ?? ApiKeyRegistry.DefaultOverlap, Actor.Of(caller), cancellationToken);
        return problem is null ? Issued(context.Response, issued!, time) : KeyBodies.Refused(problem);
    }

    private static async Task<IResult> RevokeAsync(
        Guid id, ClaimsPrincipal caller, ApiKeyRegistry keys, TimeProvider time, CancellationToken cancellationToken) =>
        Shown(await keys.RevokeAsync(id, Actor.Of(caller), cancellationToken), id, time);

    private static JsonHttpResult<KeyView> Issued(HttpResponse response, IssuedApiKey issued, TimeProvider time)
    {
        response.Headers.Location = $"/v1/keys/{issued.Key.Id}";
        response.Headers.CacheControl = "no-store";
        return TypedResults.Json(KeyView.Of(issued, time.GetUtcNow()), KeysJson.Default.KeyView, statusCode: StatusCodes.Status201Created);
    }

    private static IResult Shown(ApiKey? key, Guid id, TimeProvider time) => key is null
        ? KeyBodies.Refused(ApiKeyProblem.Unknown(id))
        : TypedResults.Json(KeyView.Of(key, time.GetUtcNow()), KeysJson.Default.KeyView);
}
