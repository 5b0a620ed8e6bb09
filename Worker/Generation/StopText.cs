namespace InferenceTemplate.Worker.Generation;

/// <summary>
/// Ends a text before the first of several others, wherever tokens cut it; what may be the beginning of one is held back meanwhile.
/// </summary>
internal sealed class StopText(string[] stops)
{
    private string _held = "";

    /// <summary>Whether one has come: nothing more is taken.</summary>
    public bool Found { get; private set; }

    /// <summary>Takes the next piece.</summary>
    /// <returns>What is certain to be before any of them.</returns>
    public string Take(string piece)
    {
        if (stops.Length == 0)
        {
            return piece;
        }

        var text = _held + piece;
        var first = -1;
        foreach (var stop in stops)
        {
            if (text.IndexOf(stop, StringComparison.Ordinal) is >= 0 and var at && (first < 0 || at < first))
            {
                first = at;
            }
        }

        Found = first >= 0;
        var certain = Found ? first : text.Length - stops.Max(stop => Beginning(text, stop));
        _held = Found ? "" : text[certain..];
        return text[..certain];
    }

    /// <summary>What was held back, where nothing more comes.</summary>
    public string Rest()
    {
        var rest = _held;
        _held = "";
        return rest;
    }

    // How many characters at the end of the text are the beginning of the other.
    private static int Beginning(string text, string stop)
    {
        for (var length = Math.Min(text.Length, stop.Length - 1); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
            {
                return length;
            }
        }

        return 0;
    }
}
