namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value from outside: configuration, a default, a generated secret.</summary>
public class ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false) : Resource(name), IExpressionValue
{
    public bool Secret { get; } = secret;
    public ParameterDefault? Default { get; set; }
    public string ValueExpression => $"{{{Name}.value}}";
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(Evaluated.Value);

    // Evaluated once: a generated value must stay what it is for the whole run.
    private Lazy<string> Evaluated => field ??= new(() => callback(Default));
}
