using System.Globalization;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Tenants;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Usage;

/// <summary><c>/v1/usage</c>: what the caller's tenant has used; of any or all tenants for an admin.</summary>
internal static class UsageEndpoints
{
    private const int MaxRows = 10_000;

    private static readonly TimeSpan Longest = TimeSpan.FromDays(366);

    public static void MapUsage(this IEndpointRouteBuilder endpoints)
    {
        var usage = endpoints.MapGroup("/v1/usage").RequireAuthorization(Policies.Infer);
        usage.MapGet("/", GetAsync).WithSummary("What was used, by hour, model or tenant").WithReadSlot();
        usage.MapGet("/statement", GetStatementAsync).WithSummary("A month's statement as CSV").WithReadSlot();
    }

    private static async Task<IResult> GetAsync(
        string? from, string? to, string? group, string? tenant, ClaimsPrincipal caller, UsageReport report, ApiKeyLookup keys,
        IOptions<CostOptions> costs, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var month = TenantAccount.MonthOf(now);
        if (!ApiTime.TryRead(from, new DateTimeOffset(month, TimeOnly.MinValue, TimeSpan.Zero), out var begin))
        {
            return Wrong($"from: '{from}' given, {ApiTime.Expected} expected");
        }

        if (!ApiTime.TryRead(to, now, out var end) || end <= begin || end - begin > Longest)
        {
            return Wrong($"to: '{to}' given, a time after from ({begin:O}) and at most {Longest.TotalDays:0} days later expected");
        }

        if (!TryReadGroups(group, out var groups, out var unknown))
        {
            return Wrong(
                $"group: '{unknown}' given, names with commas between them expected: tenant, model, version, and one of hour, day, month");
        }

        if (Whose(tenant, caller) is not { Allowed: true } whose)
        {
            return NotYours(tenant!);
        }

        // One more than allowed tells that there are too many.
        var models = await keys.ModelsOfAsync(caller, whose.Tenant);
        var rows = await report.ReadAsync(whose.Tenant, models, begin, end, groups, MaxRows + 1, cancellationToken);
        return rows.Count > MaxRows
            ? Wrong($"from, to, group: more than {MaxRows} rows; ask for a shorter time or tell less apart")
            : TypedResults.Json(
                new UsageAnswer(begin, end, costs.Value.Currency, [.. rows.Select(UsageSums.Of)], UsageSums.Total(rows)),
                UsageJson.Default.UsageAnswer);
    }

    private static async Task<IResult> GetStatementAsync(
        string? month, string? by, string? tenant, ClaimsPrincipal caller, UsageReport report, ApiKeyLookup keys,
        IOptions<CostOptions> costs, TimeProvider time, CancellationToken cancellationToken)
    {
        var first = TenantAccount.MonthOf(time.GetUtcNow());
        if (month is not null && !DateOnly.TryParseExact(month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out first))
        {
            return Wrong($"month: '{month}' given, one such as 2026-11 expected");
        }

        if (first > TenantAccount.MonthOf(time.GetUtcNow()))
        {
            return Wrong($"month: '{month}' given, the present one or an earlier expected");
        }

        if (by is not (null or "model" or "day"))
        {
            return Wrong($"by: '{by}' given, model or day expected");
        }

        if (Whose(tenant, caller) is not { Allowed: true } whose)
        {
            return NotYours(tenant!);
        }

        HashSet<UsageGroup> groups = [UsageGroup.Tenant, UsageGroup.Version];
        if (by == "day")
        {
            groups.Add(UsageGroup.Day);
        }

        var begin = new DateTimeOffset(first, TimeOnly.MinValue, TimeSpan.Zero);
        var models = await keys.ModelsOfAsync(caller, whose.Tenant);
        var rows = await report.ReadAsync(whose.Tenant, models, begin, begin.AddMonths(1), groups, int.MaxValue, cancellationToken);
        return TypedResults.File(
            Statement.Write(first, rows, costs.Value.Currency),
            "text/csv; charset=utf-8",
            $"statement-{whose.Tenant ?? "all"}-{first.ToString("yyyy-MM", CultureInfo.InvariantCulture)}.csv");
    }

    // Nobody but an admin reads another tenant's; its own may be named.
    private static (bool Allowed, string? Tenant) Whose(string? asked, ClaimsPrincipal caller) =>
        asked is null || asked == caller.TenantId() ? (true, caller.TenantId())
        : !caller.IsInRole(Roles.Admin) ? (false, null)
        : (true, asked == "all" ? null : asked);

    private static bool TryReadGroups(string? text, out HashSet<UsageGroup> groups, out string? unknown)
    {
        (groups, unknown) = ([], null);
        foreach (var name in (text ?? "model").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!char.IsAsciiLetterLower(name[0]) || !Enum.TryParse<UsageGroup>(name, ignoreCase: true, out var group))
            {
                unknown = name;
                return false;
            }

            groups.Add(group);
        }

        return true;
    }

    private static ProblemHttpResult Wrong(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);

    private static ProblemHttpResult NotYours(string tenant) => TypedResults.Problem(
        $"The use of '{tenant}' is not yours to see: leave 'tenant' out for your own.", statusCode: StatusCodes.Status403Forbidden);
}
