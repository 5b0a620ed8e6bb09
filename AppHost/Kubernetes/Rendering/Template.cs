using System.Globalization;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Rendering;

/// <summary>
/// Template text in objects. A string holds expressions in braces; what is no string, or hangs on a condition, holds a marker that
/// <see cref="TemplateWriter"/> resolves.
/// </summary>
internal static class Template
{
    // No object has such numbers. None is a multiple of 1000 or 1024, so a quantity keeps its digits.
    private const int FirstMarker = 900_000_001;

    private static readonly Lock s_lock = new();
    private static readonly List<string> s_expressions = [];

    /// <summary>A condition on a key holds for its entry, one on another string for the item of the list around it.</summary>
    public static string When(string? condition, string text) => condition is null ? text : $"⟦{condition}⟧{text}";

    /// <summary>A condition on a string that holds for the field of which it is the value.</summary>
    public static string FieldWhen(string condition, string text) => $"⟨{condition}⟩{text}";

    /// <summary>The number that an expression gives.</summary>
    public static int Number(string expression)
    {
        lock (s_lock)
        {
            var index = s_expressions.IndexOf(expression);
            if (index < 0)
            {
                index = s_expressions.Count;
                s_expressions.Add(expression);
            }

            return FirstMarker + (2 * index);
        }
    }

    public static ResourceQuantity Quantity(string expression) => new(Number(expression).ToString(CultureInfo.InvariantCulture));

    /// <summary>What <see cref="Number"/> was given, or null.</summary>
    public static string? Expression(string number)
    {
        lock (s_lock)
        {
            return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var marker)
                && (marker - FirstMarker) / 2 is var index && marker >= FirstMarker && index < s_expressions.Count ? s_expressions[index] : null;
        }
    }

    public static string Both(string? condition, string other) => condition is null ? other : $"and ({condition}) ({other})";

    public static string? Any(IEnumerable<string> conditions)
    {
        var all = conditions.Distinct(StringComparer.Ordinal).ToList();
        all.RemoveAll(narrow => all.Exists(wide => narrow.StartsWith($"and ({wide}) ", StringComparison.Ordinal)));
        return all.Count == 1 ? all[0] : $"or {string.Join(' ', all.Select(condition => $"({condition})"))}";
    }
}
