using System.Buffers.Text;

namespace InferenceTemplate.Api;

/// <summary>The place in a list that is sorted by ids, as callers carry it from page to page.</summary>
internal static class IdCursor
{
    private const int IdBytes = 16;
    private const int MaxLength = 24;

    public static string Of(Guid id) => Base64Url.EncodeToString(id.ToByteArray(bigEndian: true));

    /// <summary>False where it is not one that a list has given.</summary>
    public static bool TryRead(string cursor, out Guid id)
    {
        id = default;
        if (cursor.Length > MaxLength || !Base64Url.IsValid(cursor, out var length) || length != IdBytes)
        {
            return false;
        }

        id = new Guid(Base64Url.DecodeFromChars(cursor), bigEndian: true);
        return true;
    }
}
