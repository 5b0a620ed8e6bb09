using System.Security.Claims;
using System.Text.Json;
using InferenceTemplate.Api.Auth;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Features;

/// <summary><c>/v1/features</c>: switches of the product, changed while it runs.</summary>
internal static class FeatureEndpoints
{
    private const int MaxBodyBytes = 256 << 10;

    public static void MapFeatures(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/v1/features/enabled", EnabledAsync)
            .WithSummary("Features that the own tenant has").RequireAuthorization(Policies.Infer);
        var features = endpoints.MapGroup("/v1/features").RequireAuthorization(Policies.Administer);
        features.MapGet("", ListAsync).WithSummary("All feature flags");
        features.MapGet("/{name}", GetAsync).WithSummary("A feature flag");
        features.MapPut("/{name}", PutAsync).WithSummary("Set a feature flag");
        features.MapDelete("/{name}", DeleteAsync).WithSummary("Go back to the feature's default");
    }

    private static async Task<IResult> EnabledAsync(ClaimsPrincipal caller, FeatureSwitches switches) =>
        TypedResults.Json(new EnabledFeatures([.. await switches.AllAsync(caller.TenantId())]), FeaturesJson.Default.EnabledFeatures);

    private static async Task<IResult> ListAsync(FeatureStore store, CancellationToken cancellationToken) =>
        TypedResults.Json(new FeatureList([.. await AllAsync(store, cancellationToken)]), FeaturesJson.Default.FeatureList);

    private static async Task<IResult> GetAsync(string name, FeatureStore store, CancellationToken cancellationToken) =>
        (await AllAsync(store, cancellationToken)).Find(f => f.Name == name) is { } found
            ? TypedResults.Json(found, FeaturesJson.Default.FeatureView)
            : Unknown(name);

    private static async Task<IResult> PutAsync(
        string name,
        HttpRequest request,
        ClaimsPrincipal caller,
        FeatureStore store,
        FeatureDefinitions definitions,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (!FeatureNames.IsName(name) || name == "enabled")
        {
            return Invalid(
                "name", $"'{name}' given; 1 to 64 lower-case letters, digits and hyphens are allowed, a letter first, and not 'enabled'");
        }

        if (await ReadAsync(request, cancellationToken) is not { } body)
        {
            return Invalid("body",
                "expected an object with enabled, and perhaps tenants, excluded_tenants, percentage and description, of up to 256 KiB");
        }

        if (body.Problem() is var (field, message))
        {
            return Invalid(field, message);
        }

        var flag = body.ToFlag(name, time.GetUtcNow());
        if (!await store.SetAsync(flag, caller.Identity?.Name ?? "unnamed", caller.TenantId(), cancellationToken))
        {
            return TypedResults.Problem(
                $"there are {FeatureStore.MaxFlags} flags, as many as there may be: delete one first",
                statusCode: StatusCodes.Status409Conflict);
        }

        await definitions.RefreshAsync(cancellationToken);
        return TypedResults.Json(FeatureView.Of(flag), FeaturesJson.Default.FeatureView);
    }

    private static async Task<IResult> DeleteAsync(
        string name, ClaimsPrincipal caller, FeatureStore store, FeatureDefinitions definitions, CancellationToken cancellationToken)
    {
        if (!FeatureNames.IsName(name)
            || !await store.RemoveAsync(name, caller.Identity?.Name ?? "unnamed", caller.TenantId(), cancellationToken))
        {
            return Unknown(name);
        }

        await definitions.RefreshAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<List<FeatureView>> AllAsync(FeatureStore store, CancellationToken cancellationToken)
    {
        var set = (await store.AllAsync(cancellationToken)).Select(FeatureView.Of).ToList();
        var others = FeatureNames.All.Keys.Except(set.Select(f => f.Name), StringComparer.Ordinal).Select(FeatureView.Default);
        return [.. set.Concat(others).OrderBy(f => f.Name, StringComparer.Ordinal)];
    }

    private static async Task<FeatureBody?> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = new byte[MaxBodyBytes + 1];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            return length > MaxBodyBytes ? null : JsonSerializer.Deserialize(body.AsSpan(0, length), FeaturesJson.Default.FeatureBody);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ProblemHttpResult Unknown(string name) =>
        TypedResults.Problem($"nobody has set a feature '{name}'", statusCode: StatusCodes.Status404NotFound);

    private static ValidationProblem Invalid(string field, string message) =>
        TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [message] });
}
