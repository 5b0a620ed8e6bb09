using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>One value: what the callbacks gave, and the text that it comes to.</summary>
internal sealed record EvaluatedValue(string Key, object Source, string Text);

/// <summary>Runs the callbacks of a resource and turns what they gave into texts: values in run mode, expressions in publish mode.</summary>
internal static class Evaluation
{
    public static async Task<List<EvaluatedValue>> EnvironmentAsync(
        IResource resource, DistributedApplicationExecutionContext context, CancellationToken cancellationToken)
    {
        var callbackContext = new EnvironmentCallbackContext(context, resource, null, cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
            await annotation.Callback(callbackContext);

        var values = new List<EvaluatedValue>();
        foreach (var (key, source) in callbackContext.EnvironmentVariables)
        {
            if (await TextAsync(source, context, cancellationToken) is { } text)
                values.Add(new(key, source, text));
        }

        return values;
    }

    public static async Task<List<EvaluatedValue>> ArgumentsAsync(
        IResource resource, DistributedApplicationExecutionContext context, CancellationToken cancellationToken)
    {
        var args = new List<object>();
        var callbackContext = new CommandLineArgsCallbackContext(args, resource, cancellationToken) { ExecutionContext = context };
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
            await annotation.Callback(callbackContext);

        var values = new List<EvaluatedValue>();
        foreach (var source in args)
        {
            if (await TextAsync(source, context, cancellationToken) is { } text)
                values.Add(new(string.Empty, source, text));
        }

        return values;
    }

    private static async ValueTask<string?> TextAsync(
        object source, DistributedApplicationExecutionContext context, CancellationToken cancellationToken) => source switch
        {
            string text => text,
            IManifestExpressionProvider expression when context.IsPublishMode => expression.ValueExpression,
            IValueProvider provider => await provider.GetValueAsync(cancellationToken),
            _ => source.ToString(),
        };
}
