using System.Text.Json;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>Walks over the JSON of a request, and says in the request's own terms what it expected to find.</summary>
/// <exception cref="InvalidInferBodyException">Thrown by every member; says which field is wrong and how.</exception>
internal ref struct JsonCursor(ReadOnlySpan<byte> json)
{
    /// <summary>Stands on the current token; a copy of it can read on from there by itself.</summary>
    public Utf8JsonReader Reader = new(json, new JsonReaderOptions { MaxDepth = InferLimits.MaxJsonDepth });

    /// <summary>The next token; the last one again at the end.</summary>
    public JsonTokenType Next()
    {
        Reader.Read();
        return Reader.TokenType;
    }

    /// <summary>Whether anything follows the value that has been read.</summary>
    public bool HasMore() => Reader.Read();

    /// <summary>Leaves the current value out, with all that is in it.</summary>
    public void Skip() => Reader.Skip();

    /// <summary>The name of the next property, the cursor standing on its value; null at the object's end.</summary>
    public string? NextProperty()
    {
        if (Next() == JsonTokenType.EndObject)
        {
            return null;
        }

        var name = Text("a property's name");
        Next();
        return name;
    }

    public readonly string ReadString(string path)
    {
        Require(JsonTokenType.String, path);
        return Text(path);
    }

    public readonly void Require(JsonTokenType type, string path)
    {
        if (Reader.TokenType != type)
        {
            throw new InvalidInferBodyException($"{path}: {Describe(type)} expected, {Describe(Reader.TokenType)} given");
        }
    }

    private readonly string Text(string path)
    {
        try
        {
            return Reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidInferBodyException($"{path}: not valid UTF-8");
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
