using System.Globalization;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Requests;

/// <summary><c>/v1/requests</c>: records of the caller's tenant; of any or all tenants for an admin.</summary>
internal static class RequestEndpoints
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;
    private const double MaxMs = 86_400_000;

    private static readonly TimeSpan DefaultRange = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestRange = TimeSpan.FromDays(31);
    private static readonly TimeSpan LongestRead = TimeSpan.FromSeconds(5);

    public static void MapRequests(this IEndpointRouteBuilder endpoints)
    {
        var requests = endpoints.MapGroup("/v1/requests").RequireAuthorization(Policies.Observe);
        requests.MapGet("/", ListAsync).WithSummary("Requests for inference, the newest first").Produces<RequestPage>().WithReadSlot();
        requests.MapGet("/{id:guid}", GetAsync).WithSummary("A request for inference").Produces<RequestView>();
    }

    /// <param name="status"><c>failed</c> for all but 200, <c>4xx</c>, <c>5xx</c>, or a number; 499 is a caller who left.</param>
    /// <param name="minMs">Those that took this long or longer.</param>
    /// <param name="trace">The trace id, which is the <c>X-Correlation-Id</c> of a response whose caller sent none.</param>
    private static async Task<Results<JsonHttpResult<RequestPage>, ProblemHttpResult>> ListAsync(
        string? model, string? version, string? status, [FromQuery(Name = "min_ms")] double? minMs, string? trace, string? tenant,
        string? from, string? to, string? cursor, int? limit, ClaimsPrincipal caller, IDbContextFactory<InferenceDbContext> contexts,
        IOptions<CostOptions> costs, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!ApiTime.TryRead(to, time.GetUtcNow(), out var end) || end < DateTimeOffset.UnixEpoch)
        {
            return Wrong($"to: '{to}' given, {ApiTime.Expected} expected");
        }

        if (!ApiTime.TryRead(from, end - DefaultRange, out var begin) || end <= begin || end - begin > LongestRange)
        {
            return Wrong($"from: '{from}' given, a time before to ({end:O}) and at most {LongestRange.TotalDays:0} days earlier expected");
        }

        var count = limit ?? DefaultLimit;
        if (count is < 1 or > MaxLimit)
        {
            return Wrong($"limit: {count} given, 1 to {MaxLimit} expected");
        }

        if (minMs is not (null or (>= 0 and <= MaxMs)))
        {
            return Wrong(string.Create(CultureInfo.InvariantCulture, $"min_ms: {minMs} given, milliseconds from 0 to {MaxMs} expected"));
        }

        if (trace is not null && (trace.Length != 32 || !trace.All(char.IsAsciiHexDigit)))
        {
            return Wrong($"trace: '{trace}' given, 32 hexadecimal digits expected");
        }

        foreach (var (name, value) in ((string, string?)[])[("model", model), ("version", version)])
        {
            if (value?.Contains('\0', StringComparison.Ordinal) == true)
            {
                return Wrong($"{name}: a name without U+0000 expected");
            }
        }

        if (ListedTenant.Refusal(tenant, caller, "requests") is { } refusal)
        {
            return refusal;
        }

        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        database.Database.SetCommandTimeout(LongestRead);
        var found = OfCaller(database, caller, tenant).Where(p => p.ReceivedAt >= begin && p.ReceivedAt <= end);
        found = model is null ? found : found.Where(p => p.Model == model);
        found = version is null ? found : found.Where(p => p.Version == version);
        var least = (long)(minMs * 1000 ?? 0);
        found = least == 0 ? found : found.Where(p => p.TotalMicroseconds >= least);
        var traceId = trace?.ToLowerInvariant();
        found = traceId is null ? found : found.Where(p => p.TraceId == traceId);
        if (WithStatus(found, status) is not { } ofStatus)
        {
            return Wrong($"status: '{status}' given, failed, 4xx, 5xx or a number from 100 to 599 expected");
        }

        if (cursor is not null)
        {
            if (!TryReadCursor(cursor, out var at, out var id))
            {
                return Wrong($"cursor: '{cursor}' is not one that a list has given");
            }

            // The first condition is for the index.
            ofStatus = ofStatus.Where(p => p.ReceivedAt <= at && (p.ReceivedAt < at || p.Id < id));
        }

        // An outage is no fault of the caller: only what takes too long behind this is.
        await database.Database.OpenConnectionAsync(cancellationToken);
        try
        {
            // One more than asked for tells whether there are more.
            var rows = await ofStatus.OrderByDescending(p => p.ReceivedAt).ThenByDescending(p => p.Id).Take(count + 1)
                .ToListAsync(cancellationToken);
            var next = rows.Count > count ? Cursor(rows[count - 1]) : null;
            return TypedResults.Json(
                new RequestPage([.. rows.Take(count).Select(row => RequestView.Of(row, costs.Value.Currency))], next),
                RequestsJson.Default.RequestPage);
        }
        catch (Exception exception) when (exception.GetBaseException() is TimeoutException)
        {
            return Wrong($"from, to: reading took longer than {LongestRead.TotalSeconds:0} s; ask for a shorter time");
        }
    }

    private static async Task<Results<JsonHttpResult<RequestView>, ProblemHttpResult>> GetAsync(
        Guid id, ClaimsPrincipal caller, IDbContextFactory<InferenceDbContext> contexts, IOptions<CostOptions> costs,
        CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var whose = caller.IsInRole(Roles.Admin) ? "all" : null;
        return await OfCaller(database, caller, whose).SingleOrDefaultAsync(p => p.Id == id, cancellationToken) is { } found
            ? TypedResults.Json(RequestView.Of(found, costs.Value.Currency), RequestsJson.Default.RequestView)
            : TypedResults.Problem($"there is no request '{id}'", statusCode: StatusCodes.Status404NotFound);
    }

    /// <param name="tenant">Null for the caller's own, <c>all</c> for every one.</param>
    private static IQueryable<Prediction> OfCaller(InferenceDbContext database, ClaimsPrincipal caller, string? tenant)
    {
        var (whose, models) = (tenant ?? caller.TenantId(), caller.Models());
        var found = database.Predictions.AsNoTracking();
        found = whose == "all" ? found : found.Where(p => p.TenantId == whose);

        // Shadow runs are the operator's own.
        found = caller.IsInRole(Roles.Admin) ? found : found.Where(p => p.Role != "shadow");
        return models is null ? found : found.Where(p => models.Contains(p.Model));
    }

    /// <summary>Null where the status is none. Without the first condition the index of failures would not be used.</summary>
    private static IQueryable<Prediction>? WithStatus(IQueryable<Prediction> requests, string? status)
    {
        var failed = requests.Where(p => p.Status != StatusCodes.Status200OK);
        return status switch
        {
            null => requests,
            "failed" => failed,
            "4xx" => failed.Where(p => p.Status >= 400 && p.Status < 500),
            "5xx" => failed.Where(p => p.Status >= 500),
            "200" => requests.Where(p => p.Status == StatusCodes.Status200OK),
            _ => short.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 100 and <= 599
                ? failed.Where(p => p.Status == number)
                : null,
        };
    }

    private static string Cursor(Prediction last) =>
        $"{last.ReceivedAt.UtcTicks.ToString(CultureInfo.InvariantCulture)}.{IdCursor.Of(last.Id)}";

    private static bool TryReadCursor(string cursor, out DateTimeOffset at, out Guid id)
    {
        (at, id) = (default, default);
        if (cursor.Split('.') is not [var ticks, var place]
            || !long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var time)
            || time > DateTimeOffset.MaxValue.UtcTicks
            || !IdCursor.TryRead(place, out id))
        {
            return false;
        }

        at = new DateTimeOffset(time, TimeSpan.Zero);
        return true;
    }

    private static ProblemHttpResult Wrong(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);
}
