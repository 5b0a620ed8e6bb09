using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>
/// A value of the chart: where values.yaml has it (an expression of Helm, null for what stands in the templates themselves), and what
/// it is there.
/// </summary>
internal sealed record HelmValue(string? Expression, object? Value)
{
    /// <summary>The key in values.yaml; null for the name of the variable.</summary>
    public string? Key { get; private init; }

    /// <summary>A parameter: its value is given when the chart is installed, unless it has a published default.</summary>
    public ParameterResource? Parameter { get; private init; }

    public bool IsSecret => Expression is not null && HelmText.IsSecret(Expression);

    /// <summary>Whether the value holds expressions, so that it cannot stand in values.yaml, which is no template.</summary>
    public bool IsTemplate => Value is string text && HelmText.ReadsValues(text);

    public static HelmValue Of(ParameterResource parameter, string resource)
    {
        var key = HelmText.Key(parameter.Name);
        return new(HelmText.Expression(parameter.Secret ? "secrets" : "config", resource, key), null) { Key = key, Parameter = parameter };
    }

    /// <summary>As a part of a longer text.</summary>
    public string Text => Expression ?? $"{Value}";

    /// <summary>As a value of its own, which is a number if it is one in values.yaml.</summary>
    public string Scalar => Expression is null ? $"{Value}" : Value is int ? $"{Expression[..^3]} | int }}}}" : Expression;
}
