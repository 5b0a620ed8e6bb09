using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Traffic;

/// <summary><c>/v1/models/{m}/traffic</c>: which version answers requests that name none, and how the versions do.</summary>
internal static class TrafficEndpoints
{
    /// <summary>Adds the policies and what decides on a canary.</summary>
    public static IServiceCollection AddTrafficPolicies(this IServiceCollection services)
    {
        services.AddSingleton<ShadowComparisonStore>();
        services.AddSingleton<TrafficPolicyStore>();
        services.AddSingleton<TrafficOutcomes>();
        services.AddSingleton<CanaryJudge>();
        return services;
    }

    public static IServiceCollection AddTraffic(this IServiceCollection services)
    {
        services.AddSingleton<ModelRouting>();
        services.AddSingleton<FallbackRouting>();
        services.AddSingleton<TrafficStatusReader>();
        services.AddSingleton<RecentDecisions>();
        services.AddSingleton<ShadowMirror>();
        services.AddSingleton<ShadowRecorder>();
        services.AddHostedService(provider => provider.GetRequiredService<ShadowRecorder>());
        services.AddHostedServiceAfterSchema<OutcomeFlush>();
        services.AddHostedServiceAfterSchema<CanaryEvaluation>();
        return services;
    }

    public static void MapTraffic(this IEndpointRouteBuilder endpoints)
    {
        var traffic = endpoints.MapGroup("/v1/models/{model}/traffic");
        traffic.MapGet("", GetAsync)
            .RequireAuthorization(Policies.Observe).WithSummary("Which version answers").Produces<TrafficPolicyBody>();
        traffic.MapGet("status", StatusAsync)
            .RequireAuthorization(Policies.Observe).WithSummary("How the versions do").Produces<TrafficStatus>();
        traffic.MapPut("", PutAsync)
            .RequireAuthorization(Policies.Administer)
            .WithSummary("Change which version answers")
            .WithBody<TrafficPolicyBody>("""{"stable":"1","canary":{"version":"2","weight":0.1}}""")
            .Produces<TrafficPolicyBody>();
        traffic.MapDelete("", DeleteAsync)
            .RequireAuthorization(Policies.Administer)
            .WithSummary("Go back to the highest version")
            .Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<Results<JsonHttpResult<TrafficPolicyBody>, ProblemHttpResult>> GetAsync(
        string model, TrafficPolicyStore policies, CancellationToken cancellationToken) =>
        await policies.FindAsync(model, cancellationToken) is { } policy
            ? TypedResults.Json(TrafficPolicyBody.From(policy), ApiJson.Default.TrafficPolicyBody)
            : Unknown(model);

    private static async Task<Results<JsonHttpResult<TrafficStatus>, ProblemHttpResult>> StatusAsync(
        string model, TrafficStatusReader reader, CancellationToken cancellationToken) =>
        await reader.ReadAsync(model, cancellationToken) is { } status
            ? TypedResults.Json(status, ApiJson.Default.TrafficStatus)
            : Unknown(model);

    private static async Task<Results<JsonHttpResult<TrafficPolicyBody>, ValidationProblem, ProblemHttpResult>> PutAsync(
        string model, HttpContext context, ModelCatalog catalog, TrafficPolicyStore policies, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        if (snapshot.ModelOf(model) is null)
        {
            return Unknown(model);
        }

        var (body, unreadable) = await TrafficPolicyJson.ReadAsync(context.Request, cancellationToken);
        if (body is null)
        {
            return TypedResults.ValidationProblem(unreadable);
        }

        if (body.Problems(snapshot.ReadyOf(model), version => snapshot.WhyNot(model, version)) is { Count: > 0 } problems)
        {
            return TypedResults.ValidationProblem(problems);
        }

        var (kept, problem) = await policies.SetAsync(model, body.ToPolicy(), Actor(context), cancellationToken);
        return problem is null
            ? TypedResults.Json(TrafficPolicyBody.From(kept!), ApiJson.Default.TrafficPolicyBody)
            : problem is { Kind: RegistryProblemKind.Invalid, Field: { } field }
                ? TypedResults.ValidationProblem([new(field, [problem.Message])])
                : Unknown(model);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string model, HttpContext context, TrafficPolicyStore policies, CancellationToken cancellationToken) =>
        (await policies.SetAsync(model, null, Actor(context), cancellationToken)).Problem is null
            ? TypedResults.NoContent()
            : Unknown(model);

    private static string Actor(HttpContext context) => context.User.FindFirst(InferenceClaims.Name)?.Value ?? "unnamed";

    private static ProblemHttpResult Unknown(string model) =>
        TypedResults.Problem($"There is no model '{model}'.", statusCode: StatusCodes.Status404NotFound);
}
