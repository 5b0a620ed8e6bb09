namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value from outside: configuration, a default, a generated secret.</summary>
public class ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false) : Resource(name), IExpressionValue
{
    /// <summary>Whether it must not be shown.</summary>
    public bool Secret { get; } = secret;

    /// <summary>What it is when configuration has no value.</summary>
    public ParameterDefault? Default { get; set; }

    /// <inheritdoc />
    public string ValueExpression => $"{{{Name}.value}}";

    /// <summary>The value; throws <see cref="MissingParameterValueException"/> where there is none.</summary>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(Evaluated.Value);

    // Evaluated once: a generated value must stay what it is for the whole run.
    private Lazy<string> Evaluated => field ??= new(() => callback(Default));
}
