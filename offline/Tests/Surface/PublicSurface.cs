using System.Reflection;

namespace Tests.Offline.Surface;

/// <summary>
/// Prints what an assembly offers, one line a member: T type, F field or enum value, P property, M method or constructor. A <c>?</c>
/// marks an optional parameter, <c>set</c> a property with a public setter, <c>ref</c> a ref, in or out parameter.
/// </summary>
internal static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // What the compiler adds to records.
    private static readonly HashSet<string> s_generated = ["EqualityContract", "PrintMembers"];

    public static IReadOnlyList<string> Of(Assembly assembly) =>
        [.. assembly.GetExportedTypes().Where(type => !type.FullName!.Contains('<')).SelectMany(Lines).Order(StringComparer.Ordinal).Distinct()];

    private static IEnumerable<string> Lines(Type type)
    {
        yield return $"T {type.FullName}";
        foreach (var field in type.GetFields(Declared))
        {
            if ((field.IsPublic || field.IsFamily) && field.Name != "value__") yield return $"F {type.FullName}.{field.Name}";
        }

        // A delegate's members are what makes it a delegate.
        if (type.IsSubclassOf(typeof(Delegate))) yield break;

        foreach (var property in type.GetProperties(Declared))
        {
            if (!property.GetAccessors(nonPublic: true).Any(IsOffered) || s_generated.Contains(property.Name)) continue;
            var set = property.SetMethod is { IsPublic: true } ? " set" : "";
            yield return $"P {type.FullName}.{property.Name} : {Name(property.PropertyType)}{set}";
        }

        foreach (var constructor in type.GetConstructors(Declared))
        {
            if (IsOffered(constructor) && !constructor.IsStatic) yield return $"M {type.FullName}..ctor({Parameters(constructor)})";
        }

        foreach (var method in type.GetMethods(Declared))
        {
            var accessor = method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal);
            if (!IsOffered(method) || accessor || method.Name.Contains('<') || s_generated.Contains(method.Name)) continue;
            yield return $"M {type.FullName}.{method.Name}({Parameters(method)}) : {Name(method.ReturnType)}";
        }
    }

    private static bool IsOffered(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{Name(parameter.ParameterType)} {parameter.Name}{(parameter.IsOptional ? "?" : "")}"));

    private static string Name(Type type)
    {
        if (type.IsByRef) return "ref " + Name(type.GetElementType()!);
        if (type.IsArray) return $"{Name(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (!type.IsGenericType) return type.Name;
        var name = type.Name.Split('`')[0];
        return $"{name}<{string.Join(',', type.GetGenericArguments().Select(Name))}>";
    }
}
