using System.Text;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Names that came in messages: of models, versions, tenants, tensors, workers, which are few and come again and again. Each has its place
/// by its bytes, and keeps it until another of the same place comes.
/// </summary>
internal static class KnownNames
{
    // With names of that length at most, as much memory as all take together.
    private const int Places = 1 << 10;
    private const int LongestName = 64;

    private static readonly string?[] s_names = new string?[Places];

    public static string Of(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > LongestName)
        {
            return Encoding.UTF8.GetString(utf8);
        }

        ref var place = ref s_names[Place(utf8)];
        if (Volatile.Read(ref place) is { } known && Ascii.Equals(utf8, known))
        {
            return known;
        }

        var name = Encoding.UTF8.GetString(utf8);
        Volatile.Write(ref place, name);
        return name;
    }

    private static int Place(ReadOnlySpan<byte> utf8)
    {
        var hash = new HashCode();
        hash.AddBytes(utf8);
        return hash.ToHashCode() & (Places - 1);
    }
}
