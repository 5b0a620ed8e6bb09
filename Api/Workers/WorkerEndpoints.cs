using System.Security.Claims;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Fleet;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Workers;

/// <summary><c>POST /v1/workers/{id}/drain</c> and <c>/undrain</c>: whether a worker takes new work.</summary>
internal static class WorkerEndpoints
{
    public static void MapWorkers(this IEndpointRouteBuilder endpoints)
    {
        var workers = endpoints.MapGroup("/v1/workers/{id}").RequireAuthorization(Policies.Administer);
        workers.MapPost("/drain", (string id, ClaimsPrincipal caller, FleetRegistry fleet, AuditLog audit) =>
                OrderAsync(id, drained: true, caller, fleet, audit))
            .WithSummary("Have a worker take nothing new and finish what it has")
            .WithDescription(
                "It hears of it within a second; its state in the overview is then draining, and drained once it has nothing left.")
            .Produces(StatusCodes.Status202Accepted)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        workers.MapPost("/undrain", (string id, ClaimsPrincipal caller, FleetRegistry fleet, AuditLog audit) =>
                OrderAsync(id, drained: false, caller, fleet, audit))
            .WithSummary("Have a drained worker take work again")
            .WithDescription("It hears of it within a second.")
            .Produces(StatusCodes.Status202Accepted)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Accepted, ProblemHttpResult>> OrderAsync(
        string id, bool drained, ClaimsPrincipal caller, FleetRegistry fleet, AuditLog audit)
    {
        switch ((await fleet.WorkersAsync()).FirstOrDefault(w => w.Id == id))
        {
            case null:
                return TypedResults.Problem(
                    $"There is no worker '{id}' now; GET /v1/overview lists those that are.", statusCode: StatusCodes.Status404NotFound);
            case { State: null }:
                return TypedResults.Problem(
                    $"Worker '{id}' is of an older build, which can't be drained: stop it instead.",
                    statusCode: StatusCodes.Status409Conflict);
        }

        await fleet.OrderDrainAsync(id, drained);
        audit.Record(new AuditEvent(
            drained ? AuditActions.WorkerDrained : AuditActions.WorkerUndrained, caller.Identity?.Name ?? "unknown", TenantId: null, id)
        {
            ActorTenantId = caller.TenantId(),
        });
        return TypedResults.Accepted((string?)null);
    }
}
