using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder,
        IResourceBuilder<IResourceWithConnectionString> source,
        string? connectionName = null,
        bool optional = false)
        where TDestination : IResourceWithEnvironment
    {
        var resource = source.Resource;
        var name = connectionName ?? resource.Name;
        return builder.WithAnnotation(new ResourceRelationshipAnnotation(resource, "Reference")).WithEnvironment(context =>
        {
            var variable = resource.ConnectionStringEnvironmentVariable ?? $"ConnectionStrings__{name}";
            context.EnvironmentVariables[variable] = new ConnectionStringReference(resource, optional);
            var prefix = name.Length == 0 ? string.Empty : $"{EnvironmentName(name).ToUpperInvariant()}_";
            foreach (var (key, value) in resource.GetConnectionProperties())
                context.EnvironmentVariables[prefix + key.ToUpperInvariant()] = value;
        });
    }

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
    {
        ReferencesTo(builder, source.Resource).UseAll = true;
        return builder;
    }

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, EndpointReference endpointReference)
        where TDestination : IResourceWithEnvironment
    {
        ReferencesTo(builder, endpointReference.Resource).Names.Add(endpointReference.EndpointName);
        return builder;
    }

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, string name, Uri uri)
        where TDestination : IResourceWithEnvironment =>
        uri.IsAbsoluteUri && uri.AbsolutePath == "/"
            ? builder.WithEnvironment($"services__{name}__default__0", uri.ToString())
            : throw new InvalidOperationException($"The address of '{name}', {uri}, must be absolute and have no path.");

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints =>
        builder.Resource.GetEndpoint(name);

    private static EndpointReferences ReferencesTo<T>(IResourceBuilder<T> builder, IResourceWithEndpoints resource)
        where T : IResourceWithEnvironment
    {
        if (builder.Resource.Annotations.OfType<EndpointReferences>().FirstOrDefault(r => r.Resource == resource) is { } known)
            return known;

        var references = new EndpointReferences(resource);
        builder.WithAnnotation(references).WithAnnotation(new ResourceRelationshipAnnotation(resource, "Reference")).WithEnvironment(context => AddEndpoints(references, context.EnvironmentVariables));
        return references;
    }

    private static void AddEndpoints(EndpointReferences references, Dictionary<string, object> variables)
    {
        var name = references.Resource.Name;
        foreach (var endpoint in references.Resource.GetEndpoints())
        {
            if (!references.Names.Contains(endpoint.EndpointName) && (!references.UseAll || endpoint.ExcludeReferenceEndpoint))
                continue;

            variables[$"{EnvironmentName(name)}_{EnvironmentName(endpoint.EndpointName)}".ToUpperInvariant()] = endpoint;
            var key = $"services__{name}__{(endpoint.EndpointName is "http" or "https" ? endpoint.Scheme : endpoint.EndpointName)}__";
            var index = 0;
            while (variables.ContainsKey(key + index.ToString(CultureInfo.InvariantCulture)))
            {
                index++;
            }

            variables[key + index.ToString(CultureInfo.InvariantCulture)] = endpoint;
        }
    }

    private static string EnvironmentName(string name) => (char.IsAsciiDigit(name[0]) ? "_" : string.Empty) + NotInAName().Replace(name, "_");

    [GeneratedRegex("[^A-Za-z0-9_]", RegexOptions.None, 1000)]
    private static partial Regex NotInAName();
}
