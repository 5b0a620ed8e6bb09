using System.Globalization;
using System.Text.RegularExpressions;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>What AppHost.cs says of its resources, in the words of the chart.</summary>
internal sealed partial class Topology(
    DistributedApplicationModel model, DistributedApplicationExecutionContext execution, CancellationToken cancellation)
{
    public static string Image(IResource resource)
    {
        var image = resource.Annotations.OfType<ContainerImageAnnotation>().Last();
        return $"{(image.Registry is null ? "" : image.Registry + "/")}{image.Image}:{image.Tag}";
    }

    public IResource Resource(string name) => model.Resources.Single(resource => resource.Name == name);

    /// <summary>The names of the parameters that are secrets.</summary>
    public IEnumerable<string> SecretNames =>
        model.Resources.OfType<ParameterResource>().Where(parameter => parameter.Secret).Select(parameter => parameter.Name);

    /// <summary>The variables of a resource; secrets among them stand as <c>$(name)</c>.</summary>
    public async Task<List<(string Name, string Text)>> VariablesAsync(string name)
    {
        var resource = Resource(name);
        var variables = new Dictionary<string, object>(StringComparer.Ordinal);
        var context = new EnvironmentCallbackContext(execution, resource, variables, cancellation);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        // A service reads connection strings; their parts, which Aspire gives beside them, are for other languages.
        var parts = Referenced(resource).SelectMany(target => new[] { target.Name, Resources.Database })
            .Select(target => $"{target.ToUpperInvariant()}_").ToArray();
        return
        [
            .. variables.Where(each => !Array.Exists(parts, part => each.Key.StartsWith(part, StringComparison.Ordinal)))
                .Select(each => (each.Key, Text(each.Value))),
        ];
    }

    public async Task<List<string>> ArgumentsAsync(string name)
    {
        var resource = Resource(name);
        var arguments = new List<object>();
        var context = new CommandLineArgsCallbackContext(arguments, resource, cancellation) { ExecutionContext = execution };
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        return [.. arguments.Select(Text)];
    }

    /// <summary>Who references whom, with the port at which the one that is called listens.</summary>
    public IEnumerable<(string Caller, string Called, int Port)> Edges() =>
        from caller in model.Resources.OfType<ProjectResource>()
        from called in Referenced(caller)
        where called != caller // which names its own ports
        from port in called.Annotations.OfType<EndpointAnnotation>()
            .Where(endpoint => endpoint.Name != Services.GrpcEndpoint) // for those outside
            .Select(endpoint => endpoint.TargetPort).OfType<int>().Distinct()
        select (caller.Name, called.Name, port);

    // A database is reached at its server.
    private static IEnumerable<IResource> Referenced(IResource caller) => caller.Annotations.OfType<ResourceRelationshipAnnotation>()
        .Where(relationship => relationship.Type == "Reference")
        .Select(relationship => relationship.Resource is IResourceWithParent { Parent: { } server } ? server : relationship.Resource)
        .Where(target => target.Annotations.OfType<EndpointAnnotation>().Any())
        .Distinct();

    private string Text(object value) => value switch
    {
        string text => text,
        IManifestExpressionProvider expression => Resolve(expression.ValueExpression),
        _ => value.ToString()!,
    };

    private string Resolve(string expression) => Placeholder().Replace(expression, found =>
    {
        var name = found.Groups["resource"].Value;
        var of = found.Groups["of"].Value;
        return of switch
        {
            "value" => $"$({name})",
            // Of a part that depends on something, such as TLS, the manifest makes an entry of its own; here it does not hold.
            "connectionString" => model.Resources.OfType<IResourceWithConnectionString>()
                .FirstOrDefault(resource => resource.Name == name) is { } target
                ? Resolve(target.ConnectionStringExpression.ValueExpression)
                : "",
            _ => Endpoint(name, of),
        };
    });

    private string Endpoint(string name, string of)
    {
        var words = of.Split('.');
        var endpoint = Resource(name).Annotations.OfType<EndpointAnnotation>().Single(endpoint => endpoint.Name == words[1]);
        var port = string.Create(CultureInfo.InvariantCulture, $"{endpoint.TargetPort}");
        return words[2] switch
        {
            "host" => Component.ServiceOf(name),
            "port" or "targetPort" => port,
            "scheme" => endpoint.UriScheme,
            "url" => $"{endpoint.UriScheme}://{Component.ServiceOf(name)}:{port}",
            _ => throw new DistributedApplicationException($"The chart does not know '{of}' of '{name}'."),
        };
    }

    [GeneratedRegex(@"\{(?<resource>[\w-]+)\.(?<of>[\w.]+)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Placeholder();
}
