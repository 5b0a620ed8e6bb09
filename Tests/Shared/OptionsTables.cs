using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace InferenceTemplate.Tests.Shared;

/// <summary>The tables of docs/configuration.md, made from the options classes in the assemblies beside the tests.</summary>
public static partial class OptionsTables
{
    private const string Head = "| key | default | range | what |\n|---|---|---|---|\n";

    private static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    private static readonly string s_page = Path.Combine(Repository.Root, "docs", "configuration.md");

    [GeneratedRegex(@"<!-- options: (?<type>\w+) -->\n(?<table>(\|.*\n)*)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Block();

    [GeneratedRegex(@" ?Default (?<value>[^.:;]+(\.\d[^.:;]*)?)\.$", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex DefaultSentence();

    [GeneratedRegex(@"^\^\((?<words>[\w|]+)\)\$$", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Alternatives();

    /// <summary>Every class with a <c>Section</c>, by its name.</summary>
    public static IReadOnlyDictionary<string, Type> Types { get; } = Find();

    /// <summary>Names of the classes that the page has a table of.</summary>
    public static IReadOnlyList<string> Listed() =>
        [.. Block().Matches(File.ReadAllText(s_page)).Select(match => match.Groups["type"].Value)];

    /// <summary>Tables of the page that differ from their class, as they should be. Writes them with <c>UPDATE_DOCS=1</c>.</summary>
    public static IReadOnlyList<string> Outdated()
    {
        var text = File.ReadAllText(s_page);
        var outdated = new List<string>();
        var updated = Block().Replace(text, match =>
        {
            if (!Types.TryGetValue(match.Groups["type"].Value, out var type) || match.Groups["table"].Value == Table(type))
            {
                return match.Value;
            }

            outdated.Add($"{type.Name} should have\n{Table(type)}");
            return $"<!-- options: {type.Name} -->\n{Table(type)}";
        });
        if (outdated.Count > 0 && Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1")
        {
            File.WriteAllText(s_page, updated);
            return [];
        }

        return outdated;
    }

    /// <summary>Settings without a sentence that says what they are.</summary>
    public static IReadOnlyList<string> Unexplained() =>
        [.. from type in Types.Values
            from property in Settings(type)
            where Explanation(property).Length == 0
            select $"{type.Name}.{property.Name}"];

    private static SortedDictionary<string, Type> Find()
    {
        var test = typeof(OptionsTables).Assembly.GetName().Name!;
        var product = test[..test.IndexOf(".Tests.", StringComparison.Ordinal)];
        var found = new SortedDictionary<string, Type>(StringComparer.Ordinal);
        var files = Directory.GetFiles(AppContext.BaseDirectory, $"{product}.*.dll");
        foreach (var assembly in files.Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => !name.Contains(".Tests.", StringComparison.Ordinal)))
        {
            foreach (var type in Assembly.Load(assembly).GetTypes().Where(type => Section(type) is not null))
            {
                found.Add(type.Name, type);
            }
        }

        return found;
    }

    private static string? Section(Type type) =>
        type.GetField("Section", BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)?.GetRawConstantValue() as string;

    private static string Table(Type type)
    {
        var table = new StringBuilder(Head);
        var defaults = Activator.CreateInstance(type, nonPublic: true);
        foreach (var property in Settings(type))
        {
            string[] cells = [$"`{Section(type)}:{property.Name}`", Default(property, defaults), Range(property), Explanation(property)];
            table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
        }

        return table.ToString();
    }

    private static IEnumerable<PropertyInfo> Settings(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.SetMethod is { IsPublic: true });

    private static string Default(PropertyInfo property, object? owner) => property.GetValue(owner) switch
    {
        null or "" => "",
        string text => $"`{text}`",
        IEnumerable values => values.Cast<object>().Any() ? string.Join(", ", values.Cast<object>().Select(value => $"`{value}`")) : "none",
        var value => $"`{Written(value)}`{InUnits(property, value)}",
    };

    private static string Range(PropertyInfo property)
    {
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            return $"{Bound(property, range.Minimum)} to {Bound(property, range.Maximum)}";
        }

        if (property.GetCustomAttribute<MinLengthAttribute>() is { } length)
        {
            return $"{length.Length} characters or more";
        }

        var type = property.PropertyType;
        if (type.IsEnum)
        {
            return string.Join(", ", Enum.GetNames(type).Select(name => $"`{name}`"));
        }

        return property.GetCustomAttribute<RegularExpressionAttribute>() is { } pattern
            && Alternatives().Match(pattern.Pattern) is { Success: true } match
            ? string.Join(", ", match.Groups["words"].Value.Split('|').Select(word => $"`{word}`"))
            : "";
    }

    private static string Bound(PropertyInfo property, object bound) =>
        Units(property, bound) ?? bound as string ?? (bound is double fraction && fraction % 1 != 0
            ? fraction.ToString(CultureInfo.InvariantCulture)
            : Convert.ToInt64(bound, CultureInfo.InvariantCulture).ToString("#,0", CultureInfo.InvariantCulture));

    private static string Written(object value) => value switch
    {
        TimeSpan time when time.Ticks % TimeSpan.TicksPerSecond != 0 => time.ToString("c", CultureInfo.InvariantCulture).TrimEnd('0'),
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        bool yes => yes ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string InUnits(PropertyInfo property, object value) => Units(property, value) is { } units ? $" ({units})" : "";

    // What counts bytes, in the largest unit that divides it.
    private static string? Units(PropertyInfo property, object value)
    {
        var countsBytes = ((string[])["Bytes", "Memory"]).Any(word => property.Name.Contains(word, StringComparison.Ordinal));
        if (!countsBytes || value is not (int or long or double))
        {
            return null;
        }

        var bytes = Convert.ToInt64(value, CultureInfo.InvariantCulture);
        var unit = 0;
        while (bytes > 0 && bytes % 1024 == 0 && unit < 5)
        {
            bytes /= 1024;
            unit++;
        }

        return unit == 0 || bytes > 9999 ? null : $"{bytes} {s_units[unit]}";
    }

    private static string Explanation(PropertyInfo property)
    {
        var assembly = property.DeclaringType!.Assembly;
        var member = Documentation(assembly).Descendants("member")
            .FirstOrDefault(each => each.Attribute("name")!.Value == $"P:{property.DeclaringType.FullName}.{property.Name}");
        var text = string.Concat((member?.Element("summary")?.Nodes() ?? []).Select(node => node switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "see" } see => $"`{see.Attribute("cref")!.Value.Split('.')[^1]}`",
            XText words => words.Value,
            _ => "",
        }));
        text = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return DefaultSentence().Replace(text, "").Replace("|", "\\|", StringComparison.Ordinal);
    }

    private static XDocument Documentation(Assembly assembly) =>
        XDocument.Load(Path.Combine(AppContext.BaseDirectory, $"{assembly.GetName().Name}.xml"));
}
