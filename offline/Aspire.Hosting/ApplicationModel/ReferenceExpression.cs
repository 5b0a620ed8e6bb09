using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A text with holes that are filled by endpoints, parameters and connection strings; or a choice between two of them.</summary>
public class ReferenceExpression : IExpressionValue, IValueWithReferences
{
    public static readonly ReferenceExpression Empty = new(string.Empty, [], []);

    internal ReferenceExpression(string format, IReadOnlyList<IValueProvider> valueProviders, IReadOnlyList<string?> stringFormats)
    {
        Format = format;
        ValueProviders = valueProviders;
        StringFormats = stringFormats;
        ManifestExpressions = [.. valueProviders.Select(p => ((IManifestExpressionProvider)p).ValueExpression)];
    }

    private ReferenceExpression(IValueProvider condition, string matchValue, ReferenceExpression whenTrue, ReferenceExpression whenFalse)
        : this(string.Empty, [], [])
    {
        Condition = condition;
        MatchValue = matchValue;
        WhenTrue = whenTrue;
        WhenFalse = whenFalse;
        ValueProviders = [.. whenTrue.ValueProviders, .. whenFalse.ValueProviders];
        Name = ConditionalName.Of(this);
    }

    public string Format { get; }
    public IReadOnlyList<IValueProvider> ValueProviders { get; }
    public IReadOnlyList<string> ManifestExpressions { get; }
    public IReadOnlyList<string?> StringFormats { get; }
    public bool IsConditional => Condition is not null;
    public IValueProvider? Condition { get; }
    public string? MatchValue { get; }
    public ReferenceExpression? WhenTrue { get; }
    public ReferenceExpression? WhenFalse { get; }

    public string ValueExpression => IsConditional
        ? $"{{{Name}.connectionString}}"
        : string.Format(CultureInfo.InvariantCulture, Format, [.. ManifestExpressions]);

    internal string? Name { get; }
    IEnumerable<object> IValueWithReferences.References => IsConditional ? [Condition!, WhenTrue!, WhenFalse!] : ValueProviders;
    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.Built;

    public static ReferenceExpression CreateConditional(
        IValueProvider condition, string matchValue, ReferenceExpression whenTrue, ReferenceExpression whenFalse) =>
        new(condition, matchValue, whenTrue, whenFalse);

    public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken)
    {
        if (IsConditional)
        {
            var value = await Condition!.GetValueAsync(cancellationToken);
            var branch = string.Equals(value, MatchValue, StringComparison.OrdinalIgnoreCase) ? WhenTrue! : WhenFalse!;
            return await branch.GetValueAsync(cancellationToken);
        }

        if (Format.Length == 0) return null;

        var values = new object?[ValueProviders.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Formatted(await ValueProviders[i].GetValueAsync(cancellationToken), StringFormats[i]);
        }

        return string.Format(CultureInfo.InvariantCulture, Format, values);
    }

    internal static string? Formatted(string? value, string? format) => format?.ToUpperInvariant() switch
    {
        null => value,
        "URI" => value is null ? null : Uri.EscapeDataString(value),
        _ => throw new FormatException($"Unknown format '{format}' in a reference expression; use 'uri'."),
    };

    /// <summary>Collects the parts of an interpolated string.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ExpressionInterpolatedStringHandler(int literalLength, int formattedCount)
    {
        private readonly StringBuilder _format = new(literalLength);
        private readonly List<IValueProvider> _providers = new(formattedCount);
        private readonly List<string?> _formats = new(formattedCount);

        internal ReferenceExpression Built => new(_format.ToString(), [.. _providers], [.. _formats]);

        public void AppendLiteral(string value) => _format.Append(Escaped(value));

        public void AppendFormatted(string? value) => AppendLiteral(value ?? string.Empty);

        public void AppendFormatted(string? value, string? format = null) => AppendLiteral(Formatted(value, format) ?? string.Empty);

        public void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider, IManifestExpressionProvider =>
            Append(valueProvider, null);

        public void AppendFormatted<T>(T valueProvider, string? format = null)
            where T : IValueProvider, IManifestExpressionProvider =>
            Append(valueProvider, format);

        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider)
            where T : IResource, IValueProvider, IManifestExpressionProvider =>
            Append(valueProvider.Resource, null);

        public void AppendFormatted<T>(IResourceBuilder<T> valueProvider, string? format = null)
            where T : IResource, IValueProvider, IManifestExpressionProvider =>
            Append(valueProvider.Resource, format);

        internal static string Escaped(string text) =>
            text.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);

        private void Append(IValueProvider provider, string? format)
        {
            _format.Append('{').Append(_providers.Count).Append('}');
            _providers.Add(provider);
            _formats.Add(format);
        }
    }
}
