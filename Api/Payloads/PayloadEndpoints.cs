using System.Security.Claims;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Api.Payloads;

/// <summary><c>/v1/requests/{id}/payload</c>: what was sent and answered, for admins of the tenant that sent it.</summary>
internal static class PayloadEndpoints
{
    public static IServiceCollection AddPayloads(this IServiceCollection services)
    {
        services.AddSingleton<PayloadStore>();
        services.AddSingleton<PayloadRecorder>();
        services.AddHostedService(provider => provider.GetRequiredService<PayloadRecorder>());
        return services;
    }

    public static void MapPayloads(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/v1/requests/{id:guid}/payload", GetAsync)
        .RequireAuthorization(Policies.Administer)
        .WithSummary("What was sent and answered in a request of the own tenant")
        .Produces(StatusCodes.Status200OK, contentType: "application/cloudevents+json");

    private static async Task<IResult> GetAsync(
        Guid id, ClaimsPrincipal caller, HttpContext context, PayloadStore payloads, AuditLog audit, CancellationToken cancellationToken)
    {
        if (await payloads.FindAsync(id, caller.TenantId(), cancellationToken) is not var (model, envelope)
            || caller.Models() is { } models && !models.Contains(model))
        {
            return TypedResults.Problem(
                $"there is no payload of a request '{id}' of your tenant: none was kept, or not for so long",
                statusCode: StatusCodes.Status404NotFound);
        }

        // Nobody reads unrecorded.
        await audit.RecordAsync(
            new AuditEvent(AuditActions.PayloadRead, caller.Identity?.Name ?? "unnamed", caller.TenantId(), $"{id}")
            {
                ActorTenantId = caller.TenantId(),
            },
            cancellationToken);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Bytes(envelope, "application/cloudevents+json");
    }
}
