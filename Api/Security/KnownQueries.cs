using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;

namespace InferenceTemplate.Api.Security;

/// <summary>
/// Metadata of endpoints of <c>/v1</c> whose query may have anything: those of other protocols, whose clients send parameters of their own.
/// </summary>
internal sealed class OpenQuery;

/// <summary>
/// Answers 400 where the query of an endpoint of <c>/v1</c> has a parameter that its handler does not take, or one twice: a filter that is
/// misspelled would be none, and the answer another than was asked for.
/// </summary>
internal static class KnownQueries
{
    private const string Own = "/v1/";

    // Of what is repeated of a name; all that are known are shorter.
    private const int LongestName = 64;

    private static readonly ConcurrentDictionary<RouteEndpoint, string[]> Names = new();

    /// <summary>To stand behind authorization.</summary>
    public static void UseKnownQueries(this WebApplication app) => app.Use((context, next) =>
        context.Request.QueryString.HasValue && context.GetEndpoint() is RouteEndpoint endpoint
            && Problem(context.Request.Query, endpoint) is { } problem
                ? problem.ExecuteAsync(context)
                : next(context));

    private static ProblemHttpResult? Problem(IQueryCollection query, RouteEndpoint endpoint)
    {
        if (!PathOf(endpoint).StartsWith(Own, StringComparison.OrdinalIgnoreCase) || endpoint.Metadata.GetMetadata<OpenQuery>() is not null)
        {
            return null;
        }

        var known = Names.GetOrAdd(endpoint, NamesOf);
        foreach (var (name, values) in query)
        {
            if (!known.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                var shown = name.Length <= LongestName ? name : name[..LongestName] + "...";
                var taken = known.Length == 0 ? "no parameters are taken here" : $"known here: {string.Join(", ", known)}";
                return Wrong($"{shown}: unknown; {taken}");
            }

            if (values.Count > 1)
            {
                return Wrong($"{name}: given {values.Count} times");
            }
        }

        return null;
    }

    private static string PathOf(RouteEndpoint endpoint) => "/" + endpoint.RoutePattern.RawText?.TrimStart('/');

    private static string[] NamesOf(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<MethodInfo>() is { } handler
        ? [.. handler.GetParameters().SelectMany(Whole).Select(p => NameOf(p, endpoint)).OfType<string>()]
        : [];

    // Those of a record are the parameters of its constructor.
    private static IEnumerable<ParameterInfo> Whole(ParameterInfo parameter) =>
        parameter.IsDefined(typeof(AsParametersAttribute)) ? parameter.ParameterType.GetConstructors()[0].GetParameters() : [parameter];

    private static string? NameOf(ParameterInfo parameter, RouteEndpoint endpoint)
    {
        if (parameter.GetCustomAttributes().OfType<IFromQueryMetadata>().FirstOrDefault() is { } told)
        {
            return told.Name ?? parameter.Name;
        }

        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        var isText = type == typeof(string) || type.IsEnum
            || type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IParsable<>));
        return isText && endpoint.RoutePattern.GetParameter(parameter.Name!) is null
            && !parameter.GetCustomAttributes().Any(a => a is IFromHeaderMetadata or IFromBodyMetadata or IFromServiceMetadata)
                ? parameter.Name!.ToLowerInvariant()
                : null;
    }

    private static ProblemHttpResult Wrong(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);
}
