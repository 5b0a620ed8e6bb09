using System.Collections.Concurrent;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Limits;

/// <summary>
/// Holds a tenant to its limits: what is known without asking before a body is read, what Redis counts with the admission, and what
/// does not pass that.
/// </summary>
internal sealed partial class TenantGate(
    TenantLookup tenants,
    TenantLimiter limiter,
    MonthAlerts alerts,
    TenantTelemetry telemetry,
    IOptions<TenantOptions> options,
    TimeProvider time,
    ILogger<TenantGate> logger)
{
    /// <summary>What a refusal says where a month's limit is reached, and no other.</summary>
    public const string Stopped = "is stopped: ";

    // A tenant whose bucket is empty stays refused until the next token, or so long: its limits may be raised.
    private static readonly TimeSpan LongestRejection = TimeSpan.FromSeconds(1);

    // Slots come free any moment: no longer than a round trip under load.
    private static readonly TimeSpan ConcurrencyRejection = TimeSpan.FromMilliseconds(5);

    private readonly ConcurrentDictionary<string, Rejection> _rejections = new(StringComparer.Ordinal);

    public ValueTask<TenantAccount> FindAsync(ClaimsPrincipal caller, CancellationToken cancellationToken) =>
        tenants.FindAsync(caller.TenantId(), cancellationToken);

    /// <summary>The refusal of a tenant that is known to have nothing left; null where it may go on. Asks nobody.</summary>
    /// <param name="version">What it asks; null where that is not known yet, and a limit of tokens not held against it.</param>
    public InferenceCallResult? RefusalWithoutAsking(TenantAccount tenant, ModelVersion? version = null)
    {
        if (tenant.IsSuspended || tenant.IsDeleted)
        {
            telemetry.Refused(tenant.Id, "suspended");
            return InferenceCallResult.Refused(
                StatusCodes.Status403Forbidden, $"the tenant '{tenant.Id}' is {(tenant.IsDeleted ? "deleted" : "suspended")}");
        }

        if (tenant.IsOverBudget)
        {
            return OverMonth(tenant, "budget", FormattableString.Invariant(
                $"the budget of {tenant.Limits.MonthlyBudget:0.####} for {tenant.Month:yyyy-MM} is spent"));
        }

        if (tenant.IsOverQuota)
        {
            return OverQuota(tenant);
        }

        if (tenant.IsOverTokens && version is not null && GenerationSignature.IsOf(version.Signature))
        {
            return OverMonth(tenant, "tokens", $"the {tenant.Limits.MonthlyTokens} tokens for {tenant.Month:yyyy-MM} are used up");
        }

        return _rejections.TryGetValue(tenant.Id, out var rejection)
            && time.GetTimestamp() < rejection.Until
            && rejection.Limits == tenant.Limits
            ? Refused(tenant, rejection.Outcome, rejection.Standing with
            {
                RetryAfter = Rest(rejection, rejection.Standing.RetryAfter),
                FullAfter = Rest(rejection, rejection.Standing.FullAfter)
            })
            : null;
    }

    /// <summary>Counts a request that no queue admits: a job, or an answer that another caller's request got. Null: it may go on.</summary>
    public async Task<(InferenceCallResult? Refusal, TenantStanding? Standing)> TakeAsync(
        TenantAccount tenant, CancellationToken cancellationToken)
    {
        try
        {
            var (outcome, standing) = await limiter.TakeAsync(tenant, cancellationToken);
            return (outcome == EnqueueOutcome.Enqueued ? null : Refusal(tenant, outcome, standing!), standing);
        }
        catch (QueueUnavailableException exception)
        {
            if (options.Value.RateLimitWhenUnavailable == RateLimitWithoutRedis.Open)
            {
                LogUncounted(tenant.Id, exception.InnerException!.Message);
                return (null, null);
            }

            return (Uncountable(tenant), null);
        }
    }

    /// <summary>The answer to a request that a limit has refused; also cached for the next ones.</summary>
    public InferenceCallResult Refusal(TenantAccount tenant, EnqueueOutcome outcome, TenantStanding standing)
    {
        if (outcome == EnqueueOutcome.UnknownMonth)
        {
            return Uncountable(tenant);
        }

        var lasts = outcome == EnqueueOutcome.OverConcurrency ? ConcurrencyRejection
            : outcome == EnqueueOutcome.OverRate && standing.RetryAfter < LongestRejection ? standing.RetryAfter
            : LongestRejection;
        var now = time.GetTimestamp();
        _rejections[tenant.Id] = new Rejection(
            now, now + (long)(lasts.TotalSeconds * time.TimestampFrequency), tenant.Limits, outcome, standing);
        return Refused(tenant, outcome, standing);
    }

    private InferenceCallResult Refused(TenantAccount tenant, EnqueueOutcome outcome, TenantStanding standing)
    {
        switch (outcome)
        {
            case EnqueueOutcome.OverRate:
                telemetry.Refused(tenant.Id, "rate");
                return TooMany(
                    $"the tenant '{tenant.Id}' may send {tenant.Limits.RequestsPerMinute} requests a minute, {tenant.Limits.Burst} at once: try again later",
                    standing.RetryAfter) with
                {
                    Standing = standing,
                };
            case EnqueueOutcome.OverConcurrency:
                telemetry.Refused(tenant.Id, "concurrency");
                return TooMany(
                    $"the tenant '{tenant.Id}' has {tenant.Limits.MaxConcurrency} requests waiting or running, as many as it may: try again when some have ended",
                    TimeSpan.Zero) with
                {
                    Standing = standing,
                };
            case EnqueueOutcome.OverQuota:
                return OverQuota(tenant) with { Standing = standing };
            default:
                return Uncountable(tenant);
        }
    }

    private InferenceCallResult Uncountable(TenantAccount tenant)
    {
        telemetry.Refused(tenant.Id, "unavailable");
        return InferenceCallResult.Refused(
            StatusCodes.Status503ServiceUnavailable, $"the limits of the tenant '{tenant.Id}' can't be counted now: try again later");
    }

    private InferenceCallResult OverQuota(TenantAccount tenant) => OverMonth(
        tenant, "quota", $"the {tenant.Limits.MonthlyInferences} inferences for {tenant.Month:yyyy-MM} are used up");

    private InferenceCallResult OverMonth(TenantAccount tenant, string reason, string message)
    {
        telemetry.Refused(tenant.Id, reason);
        _ = TellStoppedAsync(tenant);
        var next = new DateTimeOffset(tenant.Month.AddMonths(1), TimeOnly.MinValue, TimeSpan.Zero);
        return TooMany($"the tenant '{tenant.Id}' {Stopped}{message}; its operator can raise or lift that", next - time.GetUtcNow());
    }

    private async Task TellStoppedAsync(TenantAccount tenant)
    {
        try
        {
            await alerts.StoppedAsync(tenant, CancellationToken.None);
        }
        catch (Exception exception) when (Outages.IsOfDatabase(exception))
        {
            // The next refusal tells it.
            LogUntold(tenant.Id, exception.Message);
        }
    }

    private static InferenceCallResult TooMany(string message, TimeSpan retryAfter) =>
        InferenceCallResult.Refused(StatusCodes.Status429TooManyRequests, message) with
        {
            RetryAfter = (int)Math.Max(1, Math.Ceiling(retryAfter.TotalSeconds)),
        };

    private TimeSpan Rest(Rejection rejection, TimeSpan then)
    {
        var rest = then - time.GetElapsedTime(rejection.Since);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }

    [LoggerMessage(LogLevel.Warning, "A request of tenant {Tenant} goes on uncounted: {Reason}")]
    private partial void LogUncounted(string tenant, string reason);

    [LoggerMessage(LogLevel.Warning, "That tenant {Tenant} was stopped could not be put down: {Reason}")]
    private partial void LogUntold(string tenant, string reason);

    private sealed record Rejection(long Since, long Until, TenantLimits Limits, EnqueueOutcome Outcome, TenantStanding Standing);
}
