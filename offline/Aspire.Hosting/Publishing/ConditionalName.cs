using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>The manifest's name for a conditional expression: its condition in words, and a hash of all its parts.</summary>
internal static partial class ConditionalName
{
    public static string Of(ReferenceExpression expression)
    {
        var condition = (expression.Condition as IManifestExpressionProvider)?.ValueExpression ?? expression.Condition!.GetType().Name;
        var words = expression.Condition is IManifestExpressionProvider
            ? NotAlphanumeric().Replace(condition, "-").Trim('-').ToLowerInvariant()
            : string.Empty;
        var hash = XxHash32(Encoding.UTF8.GetBytes(
            condition + expression.WhenTrue!.ValueExpression + expression.WhenFalse!.ValueExpression + expression.MatchValue));
        return $"cond-{(words.Length > 0 ? words : "expr")}-{hash:x8}";
    }

    [GeneratedRegex("[^A-Za-z0-9]+", RegexOptions.None, 1000)]
    private static partial Regex NotAlphanumeric();

    /// <summary>XXH32 with seed 0 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).</summary>
    private static uint XxHash32(ReadOnlySpan<byte> data)
    {
        const uint P1 = 2654435761, P2 = 2246822519, P3 = 3266489917, P4 = 668265263, P5 = 374761393;
        var length = (uint)data.Length;
        unchecked
        {
            var hash = P5;
            if (data.Length >= 16)
            {
                Span<uint> lanes = [P1 + P2, P2, 0, 0u - P1];
                for (; data.Length >= 16; data = data[16..])
                {
                    for (var i = 0; i < 4; i++)
                    {
                        lanes[i] = BitOperations.RotateLeft(lanes[i] + (BinaryPrimitives.ReadUInt32LittleEndian(data[(4 * i)..]) * P2), 13) * P1;
                    }
                }

                hash = BitOperations.RotateLeft(lanes[0], 1) + BitOperations.RotateLeft(lanes[1], 7)
                    + BitOperations.RotateLeft(lanes[2], 12) + BitOperations.RotateLeft(lanes[3], 18);
            }

            hash += length;
            for (; data.Length >= 4; data = data[4..])
            {
                hash = BitOperations.RotateLeft(hash + (BinaryPrimitives.ReadUInt32LittleEndian(data) * P3), 17) * P4;
            }

            foreach (var one in data)
                hash = BitOperations.RotateLeft(hash + (one * P5), 11) * P1;

            hash = (hash ^ (hash >> 15)) * P2;
            hash = (hash ^ (hash >> 13)) * P3;
            return hash ^ (hash >> 16);
        }
    }
}
