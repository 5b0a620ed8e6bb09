using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Evaluates the resources of a chart. A reference from one to another evaluates the other first.</summary>
internal sealed class ChartModel(KubernetesEnvironmentResource environment, PublishingStepContext step)
{
    private readonly Dictionary<IResource, PublishedResource> _published = [];
    private readonly ContainerPorts _ports = new();

    public PublishedResource? Find(IResource resource) => _published.GetValueOrDefault(resource);

    public async Task<PublishedResource> EvaluateAsync(IResource resource)
    {
        if (_published.TryGetValue(resource, out var known))
        {
            return known;
        }

        var published = _published[resource] = new PublishedResource(resource, environment);
        published.AddEndpoints(_ports);
        await EvaluateEnvironmentAsync(published);
        await EvaluateArgumentsAsync(published);
        return published;
    }

    private async Task EvaluateEnvironmentAsync(PublishedResource published)
    {
        var context = new EnvironmentCallbackContext(step.ExecutionContext, published.Resource, null, step.CancellationToken);
        foreach (var annotation in published.Resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
        {
            await annotation.Callback(context);
        }

        foreach (var (key, source) in context.EnvironmentVariables)
        {
            // A container has no certificate: nothing in the cluster answers https.
            if (source is EndpointReference { Scheme: "https" } && key.StartsWith("services__", StringComparison.Ordinal))
            {
                continue;
            }

            var value = await ValueAsync(published, source) switch
            {
                HelmValue parameter => parameter,
                var text => new HelmValue(HelmText.Expression("config", published.Resource.Name, key), text),
            };
            var secret = value.IsSecret || (value.Value is string template && HelmText.IsSecret(template));
            (secret ? published.Secrets : published.Config)[key] = value;
        }
    }

    private async Task EvaluateArgumentsAsync(PublishedResource published)
    {
        var args = new List<object>();
        var context = new CommandLineArgsCallbackContext(args, published.Resource, step.CancellationToken) { ExecutionContext = step.ExecutionContext };
        foreach (var annotation in published.Resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
        {
            await annotation.Callback(context);
        }

        foreach (var arg in args)
        {
            published.Arguments.Add(await ValueAsync(published, arg) as string
                ?? throw new DistributedApplicationException("Command line args must be strings"));
        }
    }

    /// <summary>A text, or the value of the chart that a parameter is.</summary>
    private async Task<object> ValueAsync(PublishedResource user, object value, bool embedded = false)
    {
        switch (value)
        {
            case string text:
                return text;
            case bool flag:
                return flag ? "true" : "false";
            case IFormattable formattable:
                return formattable.ToString(null, CultureInfo.InvariantCulture);
            case ParameterResource parameter:
                return HelmValue.Of(parameter, user.Resource.Name);
            case EndpointReference endpoint:
                return await EndpointAsync(endpoint, EndpointProperty.Url, embedded);
            case EndpointReferenceExpression endpoint:
                return await EndpointAsync(endpoint.Endpoint, endpoint.Property, embedded);
            case ConnectionStringReference reference:
                return await ValueAsync(user, reference.Resource.ConnectionStringExpression, embedded);
            case IResourceWithConnectionString resource:
                return await ValueAsync(user, resource.ConnectionStringExpression, embedded);
            case ReferenceExpression { IsConditional: true } choice:
                return await ValueAsync(user, await ChooseAsync(choice), embedded);
            case ReferenceExpression { Format: "{0}", ValueProviders: [var single] }:
                return await ValueAsync(user, single, embedded);
            case ReferenceExpression expression:
                var parts = new List<object>();
                foreach (var provider in expression.ValueProviders)
                {
                    // Formats such as "uri" are left out, as the real publisher leaves them out: a template cannot have them.
                    var part = await ValueAsync(user, provider, embedded: true);
                    parts.Add(part is HelmValue helm ? helm.Text : part);
                }

                return string.Format(CultureInfo.InvariantCulture, expression.Format, [.. parts]);
            default:
                throw new DistributedApplicationException($"A chart cannot hold a value of type {value.GetType().Name}, which the resource '{user.Resource.Name}' has.");
        }
    }

    private async Task<string> EndpointAsync(EndpointReference endpoint, EndpointProperty property, bool embedded)
    {
        var owner = await EvaluateAsync(endpoint.Resource);
        return owner.Endpoints.TryGetValue(endpoint.EndpointName, out var found)
            ? found.Of(property, embedded)
            : throw new DistributedApplicationException($"The endpoint '{endpoint.EndpointName}' does not exist on the resource '{endpoint.Resource.Name}'.");
    }

    private async Task<ReferenceExpression> ChooseAsync(ReferenceExpression choice)
    {
        if (choice.Condition is ParameterResource parameter)
        {
            throw new DistributedApplicationException($"A choice by the parameter '{parameter.Name}' would have to be made when the chart is installed, which is not supported here.");
        }

        var value = await choice.Condition!.GetValueAsync(step.CancellationToken);
        return string.Equals(value, choice.MatchValue, StringComparison.OrdinalIgnoreCase) ? choice.WhenTrue! : choice.WhenFalse!;
    }
}
