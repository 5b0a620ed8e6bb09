using System.Globalization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Rendering;

/// <summary>
/// Template text in objects. A string holds expressions in braces; what is no string, or hangs on a condition, holds a marker that
/// <see cref="TemplateWriter"/> resolves.
/// </summary>
internal static partial class Template
{
    // No object has such numbers. None is a multiple of 1000 or 1024, so a quantity keeps its digits.
    private const int FirstMarker = 900_000_001;

    private static readonly Lock s_lock = new();
    private static readonly List<(string Expression, string? When)> s_expressions = [];

    /// <summary>A condition on a key holds for its entry, one on another string for the item of the list around it.</summary>
    public static string When(string? condition, string text) => condition is null ? text : $"⟦{condition}⟧{text}";

    /// <summary>A condition on a string that holds for the field of which it is the value.</summary>
    public static string FieldWhen(string condition, string text) => $"⟨{condition}⟩{text}";

    /// <summary>
    /// A mapping or a list of the values, written where it stands: as the key of an entry among those of a mapping, as any string of an
    /// item among those of a list. It is left out while it is empty.
    /// </summary>
    public static string Spliced(string expression) => When(expression, Whole(expression));

    /// <summary>The same where there is nothing else, and no object without it.</summary>
    public static string Whole(string expression) => $"⟪{expression}⟫";

    /// <summary>A field that the type of its object has no room for, in the place of one that the object does not need.</summary>
    public static string Field(string name, string expression) => FieldWhen(expression, $"⟪{name}⟫{expression}");

    /// <summary>The number that an expression gives.</summary>
    /// <param name="when">The condition on which there is the field that has it.</param>
    public static int Number(string expression, string? when = null)
    {
        lock (s_lock)
        {
            var index = s_expressions.IndexOf((expression, when));
            if (index < 0)
            {
                index = s_expressions.Count;
                s_expressions.Add((expression, when));
            }

            return FirstMarker + (2 * index);
        }
    }

    public static ResourceQuantity Quantity(string expression) => new(Number(expression).ToString(CultureInfo.InvariantCulture));

    /// <summary>What <see cref="Number"/> was given, or null.</summary>
    public static string? Expression(string number) => Marked(number)?.Expression;

    /// <summary>On what the field with that number hangs.</summary>
    public static string? Condition(string number) => Marked(number)?.When;

    private static (string Expression, string? When)? Marked(string number)
    {
        lock (s_lock)
        {
            return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var marker)
                && (marker - FirstMarker) / 2 is var index
                    && marker >= FirstMarker && index < s_expressions.Count ? s_expressions[index] : null;
        }
    }

    public static string Both(string? condition, string other) => condition is null ? other : $"and ({condition}) ({other})";

    /// <summary>One of them; null where that is always so, since they name every value of a switch.</summary>
    public static string? Any(IEnumerable<string> conditions)
    {
        var all = conditions.Distinct(StringComparer.Ordinal).ToList();
        all.RemoveAll(narrow => all.Exists(wide => narrow.StartsWith($"and ({wide}) ", StringComparison.Ordinal)));
        if (all.Count == 1)
        {
            return all[0];
        }

        // What all have in common is said once.
        if (Shared().Match(all[0]) is { Success: true } shared
            && all.TrueForAll(each => each.StartsWith(shared.Value, StringComparison.Ordinal)))
        {
            var rest = Any(all.Select(each => each[shared.Length..^1]));
            var common = shared.Groups["condition"].Value;
            return rest is null ? common : Both(common, rest);
        }

        return Switches.AreAlways(all.SelectMany(Alternatives))
            ? null
            : $"or {string.Join(' ', all.Select(condition => $"({condition})"))}";
    }

    private static IEnumerable<string> Alternatives(string condition) =>
        condition.StartsWith("or ", StringComparison.Ordinal)
            ? Alternative().Matches(condition).Select(found => found.Groups["condition"].Value)
            : [condition];

    [GeneratedRegex(@"^and \((?<condition>[^()]+)\) \(", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Shared();

    [GeneratedRegex(@"\((?<condition>[^()]+)\)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Alternative();
}
