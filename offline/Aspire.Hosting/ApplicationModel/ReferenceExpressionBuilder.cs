using System.Runtime.CompilerServices;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Builds a <see cref="ReferenceExpression"/> piece by piece.</summary>
public class ReferenceExpressionBuilder
{
    private readonly StringBuilder _format = new();
    private readonly List<IValueProvider> _providers = [];
    private readonly List<string?> _formats = [];
    public bool IsEmpty => _format.Length == 0;

    public void Append([InterpolatedStringHandlerArgument("")] in ReferenceExpressionBuilderInterpolatedStringHandler handler)
    {
        // The handler wrote into this builder while the string was evaluated.
    }

    public void AppendLiteral(string value) =>
        _format.Append(ReferenceExpression.ExpressionInterpolatedStringHandler.Escaped(value));

    public void AppendFormatted(string? value, string? format = null) =>
        AppendLiteral(ReferenceExpression.Formatted(value, format) ?? string.Empty);

    public void AppendFormatted<T>(T valueProvider, string? format)
        where T : IValueProvider, IManifestExpressionProvider
    {
        _format.Append('{').Append(_providers.Count).Append('}');
        _providers.Add(valueProvider);
        _formats.Add(format);
    }

    public ReferenceExpression Build() => new(_format.ToString(), [.. _providers], [.. _formats]);

    /// <summary>Collects the parts of an interpolated string.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct ReferenceExpressionBuilderInterpolatedStringHandler(
        int literalLength, int formattedCount, ReferenceExpressionBuilder builder)
    {
        private readonly ReferenceExpressionBuilder _builder = Sized(builder, literalLength, formattedCount);

        public void AppendLiteral(string value) => _builder.AppendLiteral(value);

        public void AppendFormatted(string? value) => _builder.AppendFormatted(value);

        public void AppendFormatted(string? value, string? format) => _builder.AppendFormatted(value, format);

        public void AppendFormatted<T>(T valueProvider)
            where T : IValueProvider, IManifestExpressionProvider =>
            _builder.AppendFormatted(valueProvider, null);

        public void AppendFormatted<T>(T valueProvider, string? format)
            where T : IValueProvider, IManifestExpressionProvider =>
            _builder.AppendFormatted(valueProvider, format);

        private static ReferenceExpressionBuilder Sized(ReferenceExpressionBuilder builder, int literalLength, int formattedCount)
        {
            builder._format.EnsureCapacity(builder._format.Length + literalLength);
            builder._providers.EnsureCapacity(builder._providers.Count + formattedCount);
            return builder;
        }
    }
}
