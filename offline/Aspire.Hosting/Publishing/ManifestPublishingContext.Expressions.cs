using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

public sealed partial class ManifestPublishingContext
{
    // Entries that expressions need: resources that were never added, encoded parameters, conditionals. In the order of first use.
    private readonly List<IResource> _referenced = [];
    private readonly List<(ParameterResource Parameter, string Format)> _encoded = [];
    private readonly Dictionary<string, ReferenceExpression> _conditionals = [];

    private string Expression(object source, string text)
    {
        Note(source);
        if (source is not ReferenceExpression { IsConditional: false } expression) return text;

        var arguments = expression.ManifestExpressions.ToArray();
        for (var i = 0; i < arguments.Length; i++)
        {
            if (expression.StringFormats[i] is { } format && Parameter(expression.ValueProviders[i]) is { } parameter)
                arguments[i] = $"{{{EncodedName(parameter, format)}.value}}";
        }

        return string.Format(CultureInfo.InvariantCulture, expression.Format, [.. arguments]);
    }

    private void Note(object value)
    {
        if (value is ReferenceExpression expression)
            NoteEntries(expression);

        if (value is IResource resource)
        {
            if (!_referenced.Contains(resource))
                _referenced.Add(resource);
        }
        else if (value is IValueWithReferences { References: var references })
        {
            foreach (var reference in references)
                Note(reference);
        }
    }

    private void NoteEntries(ReferenceExpression expression)
    {
        if (expression.IsConditional)
        {
            _conditionals.TryAdd(expression.Name!, expression);
            NoteEntries(expression.WhenTrue!);
            NoteEntries(expression.WhenFalse!);
            return;
        }

        foreach (var (provider, format) in expression.ValueProviders.Zip(expression.StringFormats))
        {
            if (format is not null && Parameter(provider) is { } parameter && !_encoded.Contains((parameter, format)))
                _encoded.Add((parameter, format));
        }
    }

    /// <summary>Writes the encoded forms of one parameter, or of all those that were not written yet.</summary>
    private void WriteEncodedParameters(ParameterResource? only)
    {
        foreach (var (parameter, format) in _encoded.Where(e => only is null || e.Parameter == only).ToList())
        {
            Writer.WriteStartObject(EncodedName(parameter, format));
            Writer.WriteString("type", "annotated.string");
            Writer.WriteString("value", parameter.ValueExpression);
            Writer.WriteString("filter", format);
            Writer.WriteEndObject();
            _encoded.Remove((parameter, format));
        }
    }

    private static string EncodedName(ParameterResource parameter, string format) => $"{parameter.Name}-{format.ToLowerInvariant()}-encoded";

    private static ParameterResource? Parameter(IValueProvider provider) => provider switch
    {
        ParameterResource parameter => parameter,
        ReferenceExpression { Format: "{0}", ValueProviders: [ParameterResource parameter] } => parameter,
        _ => null,
    };
}
