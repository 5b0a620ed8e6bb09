using System.Globalization;

namespace Aspire.Hosting.Kubernetes.Resources;

/// <summary>A number, or a text: a port's name, or an expression of Helm.</summary>
public sealed record Int32OrStringV1(int? Number = null, string? Text = null)
{
    public Int32OrStringV1(int value)
        : this(Number: value)
    {
    }

    public Int32OrStringV1(string? value)
        : this(Parsed(value), Parsed(value) is null ? value : null)
    {
    }

    public string? Value => Number?.ToString(CultureInfo.InvariantCulture) ?? Text;

    public static implicit operator Int32OrStringV1(int value) => new(value);

    public static implicit operator Int32OrStringV1?(string? value) => value is null ? null : new Int32OrStringV1(value);

    public override string? ToString() => Value;

    private static int? Parsed(string? value) =>
        int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}
