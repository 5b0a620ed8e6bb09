using System.Security.Cryptography;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>What a parameter is when configuration has no value.</summary>
public abstract class ParameterDefault
{
    public abstract string GetDefaultValue();
    public abstract void WriteToManifest(ManifestPublishingContext context);
}

/// <summary>A random text. Letters and digits that look alike, and characters that trouble URLs or shells, are left out.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    private const string LowerChars = "abcdefghjkmnpqrstuvwxyz";
    private const string UpperChars = "ABCDEFGHJKMNPQRSTUVWXYZ";
    private const string NumericChars = "0123456789";
    private const string SpecialChars = "-_.{}~()*+!";
    public int MinLength { get; set; } = 22;
    public bool Lower { get; set; } = true;
    public bool Upper { get; set; } = true;
    public bool Numeric { get; set; } = true;
    public bool Special { get; set; } = true;
    public int MinLower { get; set; }
    public int MinUpper { get; set; }
    public int MinNumeric { get; set; }
    public int MinSpecial { get; set; }

    public override string GetDefaultValue()
    {
        (bool Allowed, int Least, string Chars)[] kinds =
            [(Lower, MinLower, LowerChars), (Upper, MinUpper, UpperChars), (Numeric, MinNumeric, NumericChars), (Special, MinSpecial, SpecialChars)];
        if (kinds.All(k => !k.Allowed) || kinds.Any(k => !k.Allowed && k.Least > 0))
            throw new InvalidOperationException("A generated parameter needs at least one kind of characters, and no minimum of a kind that is off.");

        var required = kinds.SelectMany(k => RandomNumberGenerator.GetItems<char>(k.Chars, k.Least)).ToList();
        var all = string.Concat(kinds.Where(k => k.Allowed).Select(k => k.Chars));
        char[] text = [.. required, .. RandomNumberGenerator.GetItems<char>(all, Math.Max(0, MinLength - required.Count))];
        RandomNumberGenerator.Shuffle<char>(text);
        return new string(text);
    }

    public override void WriteToManifest(ManifestPublishingContext context)
    {
        var writer = context.Writer;
        writer.WriteStartObject("generate");
        writer.WriteNumber("minLength", MinLength);
        foreach (var (name, allowed) in new[] { ("lower", Lower), ("upper", Upper), ("numeric", Numeric), ("special", Special) })
        {
            if (!allowed)
                writer.WriteBoolean(name, false);
        }

        foreach (var (name, least) in new[] { ("minLower", MinLower), ("minUpper", MinUpper), ("minNumeric", MinNumeric), ("minSpecial", MinSpecial) })
        {
            if (least != 0)
                writer.WriteNumber(name, least);
        }

        writer.WriteEndObject();
    }
}

/// <summary>A constant that the manifest shows.</summary>
internal sealed class ConstantParameterDefault(Func<string> valueGetter) : ParameterDefault
{
    public override string GetDefaultValue() => valueGetter();
    public override void WriteToManifest(ManifestPublishingContext context) => context.Writer.WriteString("value", valueGetter());
}

/// <summary>A default that is generated once and kept with the data.</summary>
internal sealed class PersistedParameterDefault(string name, ParameterDefault inner, Running.GeneratedSecrets secrets) : ParameterDefault
{
    public override string GetDefaultValue() => secrets.GetOrAdd(name, inner.GetDefaultValue);
    public override void WriteToManifest(ManifestPublishingContext context) => inner.WriteToManifest(context);
}
