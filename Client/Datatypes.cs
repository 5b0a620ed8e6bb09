namespace InferenceTemplate.Client;

/// <summary>Datatypes of the protocol, and the types of .NET that hold their elements.</summary>
internal static class Datatypes
{
    public const string Bytes = "BYTES";
    public const string BFloat16 = "BF16";

    // The first of a type is the one that it is sent as.
    private static readonly (string Name, Type Type, int Size)[] All =
    [
        ("BOOL", typeof(bool), 1), ("UINT8", typeof(byte), 1), ("UINT16", typeof(ushort), 2), ("UINT32", typeof(uint), 4),
        ("UINT64", typeof(ulong), 8), ("INT8", typeof(sbyte), 1), ("INT16", typeof(short), 2), ("INT32", typeof(int), 4),
        ("INT64", typeof(long), 8), ("FP16", typeof(Half), 2), ("FP32", typeof(float), 4), ("FP64", typeof(double), 8),
        (BFloat16, typeof(ushort), 2), (Bytes, typeof(string), 0), (Bytes, typeof(byte[]), 0),
    ];

    /// <exception cref="NotSupportedException">No datatype has such elements.</exception>
    public static string Of(Type type) => Array.Find(All, each => each.Type == type).Name
        ?? throw new NotSupportedException(
            $"No datatype has elements of {type.Name}: use one of {string.Join(", ", All.Select(each => each.Type.Name).Distinct())}.");

    /// <summary>Types that elements of a datatype may be read as; empty for one that is not known.</summary>
    public static IEnumerable<Type> TypesOf(string datatype) => All.Where(each => each.Name == datatype).Select(each => each.Type);

    /// <summary>Bytes of one element; 0 where they differ.</summary>
    public static int SizeOf(string datatype) => Array.Find(All, each => each.Name == datatype).Size;
}
