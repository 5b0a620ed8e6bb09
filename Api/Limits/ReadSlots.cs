using System.Globalization;
using System.Threading.RateLimiting;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Limits;

/// <summary>
/// How many lists a tenant may have read at a time on this replica: each holds a connection of the database, which calls, jobs and the
/// keys of all other tenants need too. A few more wait for their turn.
/// </summary>
internal sealed class ReadSlots(IOptions<LimitOptions> options) : IDisposable
{
    public const int Waiting = 64;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(
        tenant => RateLimitPartition.GetConcurrencyLimiter(tenant, _ => new()
        {
            PermitLimit = options.Value.ReadsPerTenant,
            QueueLimit = Waiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        }));

    public async ValueTask<object?> RunAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var tenant = http.User.TenantId();
        using var slot = await _limiter.AcquireAsync(tenant, cancellationToken: http.RequestAborted);
        if (slot.IsAcquired)
        {
            return await next(context);
        }

        http.Response.Headers.RetryAfter = RetryAfter.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        return TypedResults.Problem(
            $"the tenant '{tenant}' has {options.Value.ReadsPerTenant} reads that run (Limits:ReadsPerTenant) and {Waiting} that wait: "
            + "try again when some have ended",
            statusCode: StatusCodes.Status429TooManyRequests);
    }

    public void Dispose() => _limiter.Dispose();
}

internal static class ReadSlotsExtensions
{
    /// <summary>For an endpoint whose query may take long. Not for a stream: it would hold its slot to its end.</summary>
    public static RouteHandlerBuilder WithReadSlot(this RouteHandlerBuilder endpoint) => endpoint
        .AddEndpointFilter((context, next) => context.HttpContext.RequestServices.GetRequiredService<ReadSlots>().RunAsync(context, next));
}
