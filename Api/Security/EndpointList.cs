using InferenceTemplate.Api.Auth;
using Microsoft.AspNetCore.Authorization;

namespace InferenceTemplate.Api.Security;

/// <summary>Who may call what, read from the endpoints themselves.</summary>
internal static class EndpointList
{
    private const string Anonymous = "anonymous";

    private static readonly string[] Known = [Policies.Infer, Policies.Observe, Policies.Administer];

    /// <summary>
    /// Refuses to start with an endpoint that does not say by whom it may be called: what the fallback policy gives it, any caller
    /// who is known, is hardly what was meant.
    /// </summary>
    public static void CheckEndpoints(this WebApplication app)
    {
        var silent = Endpoints(app).Where(e => PolicyOf(e) is null).Select(e => $"{MethodsOf(e)} {PathOf(e)}").ToList();
        if (silent.Count > 0)
        {
            throw new InvalidOperationException(
                $"Endpoints without a policy: {string.Join(", ", silent)}. Give them, or their group, RequireAuthorization(Policies.X) or AllowAnonymous().");
        }
    }

    /// <summary><c>Api --endpoints</c>: a line for each, with method, path and policy.</summary>
    public static int WriteEndpoints(this WebApplication app)
    {
        foreach (var line in Endpoints(app)
            .Select(e => $"{MethodsOf(e)} {PathOf(e)} {PolicyOf(e) ?? "none"}").Order(StringComparer.Ordinal))
        {
            Console.WriteLine(line);
        }

        return 0;
    }

    // What gRPC answers for methods that a service lacks is nobody's: the fallback policy is theirs, and their one answer.
    private static IEnumerable<RouteEndpoint> Endpoints(IEndpointRouteBuilder app) => app.DataSources.SelectMany(s => s.Endpoints)
        .OfType<RouteEndpoint>().Where(e => e.RoutePattern.RawText?.Contains(":grpcunimplemented}", StringComparison.Ordinal) != true);

    /// <summary>The policies of an endpoint and its groups, all of which must be met; null where it names none.</summary>
    private static string? PolicyOf(Endpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return Anonymous;
        }

        var named = endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>()
            .Select(a => a.Policy).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return Known.Any(named.Contains) ? string.Join('+', Known.Where(named.Contains)) : null;
    }

    private static string MethodsOf(Endpoint endpoint) =>
        endpoint.Metadata.GetMetadata<HttpMethodMetadata>() is { HttpMethods.Count: > 0 } methods
            ? string.Join(',', methods.HttpMethods)
            : "*";

    private static string PathOf(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText?.Trim('/');
}
