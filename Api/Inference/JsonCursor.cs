using System.Text;
using System.Text.Json;

namespace InferenceTemplate.Api.Inference;

/// <summary>Walks over the JSON of a request, and says in the request's own terms what it expected to find.</summary>
/// <exception cref="InvalidInferBodyException">Thrown by every member; says which field is wrong and how.</exception>
internal ref struct JsonCursor
{
    private ReadOnlySpan<byte> _json;

    public JsonCursor(ReadOnlySpan<byte> json, LimitOptions limits)
        : this(json, limits, new JsonReaderState(OptionsFor(limits)))
    {
    }

    private JsonCursor(ReadOnlySpan<byte> json, LimitOptions limits, JsonReaderState state)
    {
        _json = json;
        Limits = limits;
        Reader = new Utf8JsonReader(json, isFinalBlock: true, state);
    }

    public LimitOptions Limits { get; }

    /// <summary>Stands on the current token; a copy of it can read on from there by itself.</summary>
    public Utf8JsonReader Reader;

    /// <summary>The text from the current token on.</summary>
    public readonly ReadOnlySpan<byte> Rest => _json[(int)Reader.TokenStartIndex..];

    /// <summary>How deep arrays may be nested from here on.</summary>
    public readonly int DepthLeft => Limits.MaxJsonDepth - Reader.CurrentDepth;

    public static JsonReaderOptions OptionsFor(LimitOptions limits) => new() { MaxDepth = limits.MaxJsonDepth };

    /// <summary>The next token; the last one again at the end.</summary>
    public JsonTokenType Next()
    {
        Reader.Read();
        return Reader.TokenType;
    }

    /// <summary>Whether anything follows the value that has been read.</summary>
    public bool HasMore() => Reader.Read();

    /// <summary>Leaves the current value out, with all that is in it.</summary>
    public void Skip()
    {
        if (Reader.TokenType == JsonTokenType.StartObject)
        {
            var seen = default(MemberNames);
            while (NextProperty(ref seen))
            {
                Next();
                Skip();
            }
        }
        else if (Reader.TokenType == JsonTokenType.StartArray)
        {
            while (Next() != JsonTokenType.EndArray)
            {
                Skip();
            }
        }
    }

    /// <summary>
    /// Leaves out the array that the cursor stands on, whose text of that length has been read by other means. From here on
    /// places that the reader reports are no longer those of the whole text.
    /// </summary>
    public void SkipArray(int length)
    {
        // The reader knows that an array is open, and finds its bracket closed.
        this = new JsonCursor(Rest[(length - 1)..], Limits, Reader.CurrentState);
        Reader.Read();
    }

    /// <summary>Goes to the name of the next property; false at the object's end.</summary>
    public bool NextProperty(ref MemberNames seen)
    {
        if (Next() == JsonTokenType.EndObject)
        {
            return false;
        }

        seen.Add(Reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(Text("a property's name")) : Reader.ValueSpan);
        return true;
    }

    /// <summary>Whether the property has this name; if so, the cursor moves to its value.</summary>
    public bool Is(ReadOnlySpan<byte> name)
    {
        try
        {
            if (!Reader.ValueTextEquals(name))
            {
                return false;
            }
        }
        catch (InvalidOperationException)
        {
            // Escapes that make half a character.
            throw new InvalidInferBodyException("a property's name: not valid UTF-8");
        }

        Next();
        return true;
    }

    /// <summary>Leaves out a property that means nothing here, standing on its name.</summary>
    public void SkipProperty()
    {
        _ = Text("a property's name");
        Next();
        Skip();
    }

    /// <summary>
    /// Leaves out a parameter that means nothing here. One that would change the answer is refused, unless its value (null, false, 0 or
    /// an empty string) asks for nothing.
    /// </summary>
    public void SkipParameter(string parameters, int index = -1, string? of = null)
    {
        var name = Text("a property's name");
        Next();
        if (RequestRules.RefusalOf(name, Path(parameters, index, of)) is { } refusal && !AsksForNothing())
        {
            throw refusal;
        }

        Skip();
    }

    /// <summary>Reads the <c>content_type</c> of a request or an output, which has none that would change the answer.</summary>
    public readonly void RefuseContentType(string parameters, int index = -1, string? of = null)
    {
        var path = Path(parameters, index, of);
        if (!IsNull && RequestRules.RefusalOfContentType(ReadString($"{path}.content_type"), path) is { } refusal)
        {
            throw refusal;
        }
    }

    private readonly bool AsksForNothing() => Reader.TokenType switch
    {
        JsonTokenType.Null or JsonTokenType.False => true,
        JsonTokenType.Number => Reader.ValueSpan.SequenceEqual("0"u8),
        JsonTokenType.String => Reader.ValueSpan.IsEmpty,
        _ => false,
    };

    public readonly string ReadString(string name, int index = -1, string? of = null)
    {
        Require(JsonTokenType.String, name, index, of);
        return Text(name, index, of);
    }

    /// <summary>The name of a tensor.</summary>
    public readonly string ReadName(string name, int index)
    {
        var text = ReadString(name, index, "name");
        return text.Length <= Limits.MaxNameLength
            ? text
            : throw RequestRules.LongName(name, index, text.Length, Limits);
    }

    /// <summary>Whether something optional is there: some clients send null for what they leave out.</summary>
    public readonly bool IsNull => Reader.TokenType == JsonTokenType.Null;

    /// <summary>A whole number from 0.</summary>
    /// <param name="problem">What is said of anything else.</param>
    public readonly long ReadWhole(string problem) =>
        Reader.TokenType == JsonTokenType.Number && Reader.TryGetInt64(out var value) && value >= 0
            ? value
            : throw new InvalidInferBodyException(problem);

    public readonly bool ReadBoolean(string name, int index = -1, string? of = null) => Reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        var given => throw new InvalidInferBodyException($"{Path(name, index, of)}: true or false expected, {Describe(given)} given"),
    };

    public readonly void Require(JsonTokenType type, string name, int index = -1, string? of = null)
    {
        if (Reader.TokenType != type)
        {
            throw new InvalidInferBodyException($"{Path(name, index, of)}: {Describe(type)} expected, {Describe(Reader.TokenType)} given");
        }
    }

    // Built only where something is wrong: inputs[0].name.
    private static string Path(string name, int index, string? of) =>
        index < 0 ? name : of is null ? $"{name}[{index}]" : $"{name}[{index}].{of}";

    private readonly string Text(string name, int index = -1, string? of = null)
    {
        try
        {
            return Reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidInferBodyException($"{Path(name, index, of)}: not valid UTF-8");
        }
    }

    private static string Describe(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.Null => "null",
        _ => "nothing",
    };
}
