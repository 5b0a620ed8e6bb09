namespace InferenceTemplate.Api.Inference;

/// <summary>Whether a tensor's <c>data</c> is flat, or nested exactly as its shape says.</summary>
internal static class DataNesting
{
    private const int UsualDimensions = 16;

    /// <param name="text">Valid JSON that begins with the array's bracket.</param>
    public static bool Fits(ReadOnlySpan<byte> text, ReadOnlySpan<long> shape)
    {
        // Nearly all are flat, and numbers.
        if (!text[1..].Contains((byte)'['))
        {
            return true;
        }

        var inner = text[1..].TrimStart(" \t\r\n"u8);
        var rank = inner[0] == '[' ? shape.Length : 1;
        if (inner[0] == '[' && rank < 2)
        {
            return false;
        }

        // Members of the arrays that are open, by depth.
        Span<long> members = rank < UsualDimensions ? stackalloc long[UsualDimensions + 1] : new long[rank + 1];
        var (at, depth) = (0, 0);
        while (true)
        {
            var (separator, hasValue) = Next(text, ref at);
            if (hasValue)
            {
                if (depth != rank)
                {
                    return false;
                }

                members[depth]++;
            }

            if (separator == '[')
            {
                if (depth == rank)
                {
                    return false;
                }

                members[depth]++;
                members[++depth] = 0;
            }
            else if (separator == ']')
            {
                // How many a flat one has is counted where it is read.
                if (inner[0] == '[' && members[depth] != shape[depth - 1])
                {
                    return false;
                }

                if (--depth == 0)
                {
                    return true;
                }
            }
        }
    }

    // Goes behind the next bracket or comma, and says whether a number, a text or a word stands before it.
    private static (byte Separator, bool HasValue) Next(ReadOnlySpan<byte> text, ref int at)
    {
        var hasValue = false;
        while (true)
        {
            var character = text[at++];
            switch (character)
            {
                case (byte)'[' or (byte)']' or (byte)',':
                    return (character, hasValue);
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                    break;
                case (byte)'"':
                    hasValue = true;
                    at = EndOfString(text, at);
                    break;
                default:
                    hasValue = true;
                    var length = text[at..].IndexOfAny((byte)',', (byte)']', (byte)' ');
                    at += Math.Max(0, length);
                    break;
            }
        }
    }

    private static int EndOfString(ReadOnlySpan<byte> text, int at)
    {
        while (true)
        {
            at += text[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (text[at] == '"')
            {
                return at + 1;
            }

            at += 2;
        }
    }
}
