using System.Text.Json;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// Reads the JSON of an inference request. Tensor data goes from the UTF-8 text straight into tensor memory: no document,
/// no boxed numbers.
/// </summary>
/// <exception cref="InvalidInferBodyException">Thrown by every member; says which field is wrong and how.</exception>
internal ref struct InferBodyReader
{
    private static readonly LimitOptions Defaults = new();

    private JsonCursor _json;
    private BinaryTensors _binary;

    private InferBodyReader(ReadOnlySpan<byte> json, ReadOnlySpan<byte> binary, LimitOptions limits)
    {
        _json = new JsonCursor(json, limits);
        _binary = new BinaryTensors(binary);
    }

    /// <param name="json">The request, or the part of it before its raw tensors.</param>
    /// <param name="binary">The raw tensors behind it; empty where there are none.</param>
    /// <param name="limits">Null for the default ones.</param>
    public static InferBody Read(ReadOnlySpan<byte> json, ReadOnlySpan<byte> binary = default, LimitOptions? limits = null)
    {
        limits ??= Defaults;

        // Some editors and shells put a byte order mark before what they write.
        json = json.StartsWith("\uFEFF"u8) ? json[3..] : json;
        try
        {
            return new InferBodyReader(json, binary, limits).Read();
        }
        catch (JsonException exception)
        {
            throw NotJson(Find(json, limits) ?? exception);
        }
    }

    private InferBody Read()
    {
        string? id = null;
        var parameters = RequestParameters.None;
        Tensor[]? inputs = null;
        string[] outputs = [];
        Dictionary<string, bool>? forms = null;
        Dictionary<string, int>? classes = null;

        _json.Next();
        _json.Require(JsonTokenType.StartObject, "the body");
        var seen = default(MemberNames);
        while (_json.NextProperty(ref seen))
        {
            if (_json.Is("id"u8))
            {
                id = ReadId();
            }
            else if (_json.Is("parameters"u8))
            {
                parameters = RequestParameters.Read(ref _json);
            }
            else if (_json.Is("inputs"u8))
            {
                inputs = ReadInputs();
            }
            else if (_json.Is("outputs"u8))
            {
                outputs = ReadOutputs(out forms, out classes);
            }
            else
            {
                _json.SkipProperty();
            }
        }

        if (_json.HasMore())
        {
            throw new InvalidInferBodyException("the body goes on after its JSON object");
        }

        if (inputs is null)
        {
            throw new InvalidInferBodyException("inputs: missing");
        }

        _binary.RequireNoRest();
        return new InferBody(id, parameters.Timeout, inputs, outputs)
        {
            Priority = parameters.Priority,
            Forms = forms is null && classes is null
                ? parameters.BinaryOutput ? OutputForms.Binary : OutputForms.Json
                : new OutputForms(parameters.BinaryOutput, forms ?? [], classes),
        };
    }

    private string? ReadId()
    {
        if (_json.IsNull)
        {
            return null;
        }

        var id = _json.ReadString("id");
        return id.Length <= _json.Limits.MaxIdLength
            ? (id.Length == 0 ? null : id)
            : throw RequestRules.LongId(id.Length, _json.Limits);
    }

    private Tensor[] ReadInputs()
    {
        _json.Require(JsonTokenType.StartArray, "inputs");
        var inputs = new List<Tensor>(1);
        while (_json.Next() != JsonTokenType.EndArray)
        {
            RequireRoom("inputs", inputs.Count);
            inputs.Add(InputReader.Read(ref _json, ref _binary, inputs.Count));
        }

        return [.. inputs];
    }

    private string[] ReadOutputs(out Dictionary<string, bool>? forms, out Dictionary<string, int>? classes)
    {
        var outputs = new List<string>(1);
        (forms, classes) = (null, null);
        if (_json.IsNull)
        {
            return [];
        }

        _json.Require(JsonTokenType.StartArray, "outputs");
        while (_json.Next() != JsonTokenType.EndArray)
        {
            RequireRoom("outputs", outputs.Count);
            var (name, binary, highest) = ReadOutput(outputs.Count);
            if (outputs.Contains(name))
            {
                throw RequestRules.RepeatedOutput(name);
            }

            outputs.Add(name);
            if (binary is not null)
            {
                (forms ??= new(StringComparer.Ordinal))[name] = binary.Value;
            }

            if (highest > 0)
            {
                (classes ??= new(StringComparer.Ordinal))[name] = highest;
            }
        }

        return [.. outputs];
    }

    private (string Name, bool? Binary, int Classes) ReadOutput(int index)
    {
        string? name = null;
        var form = (Binary: (bool?)null, Classes: 0);
        _json.Require(JsonTokenType.StartObject, "outputs", index);
        var seen = new MemberNames("outputs", index);
        while (_json.NextProperty(ref seen))
        {
            if (_json.Is("name"u8))
            {
                name = _json.ReadName("outputs", index);
            }
            else if (_json.Is("parameters"u8))
            {
                form = ReadForm(index);
            }
            else
            {
                _json.SkipProperty();
            }
        }

        return (name ?? throw RequestRules.Missing("outputs", index, "name"), form.Binary, form.Classes);
    }

    private (bool? Binary, int Classes) ReadForm(int index)
    {
        var form = (Binary: (bool?)null, Classes: 0);
        if (_json.IsNull)
        {
            return form;
        }

        _json.Require(JsonTokenType.StartObject, "outputs", index, "parameters");
        var seen = new MemberNames("outputs", index, "parameters");
        while (_json.NextProperty(ref seen))
        {
            if (_json.Is("binary_data"u8))
            {
                form.Binary = _json.IsNull ? null : _json.ReadBoolean("outputs", index, "parameters.binary_data");
            }
            else if (_json.Is("classification"u8))
            {
                form.Classes = _json.IsNull ? 0 : ReadClasses(index);
            }
            else if (_json.Is("content_type"u8))
            {
                _json.RefuseContentType("outputs", index, "parameters");
            }
            else
            {
                _json.SkipParameter("outputs", index, "parameters");
            }
        }

        return form;
    }

    private readonly int ReadClasses(int index) =>
        _json.Reader.TokenType == JsonTokenType.Number
            && _json.Reader.TryGetInt32(out var classes) && classes is >= 0 and <= Classification.MaxClasses
            ? classes
            : throw RequestRules.WrongClasses(index);

    private readonly void RequireRoom(string name, int given)
    {
        if (given == _json.Limits.MaxTensors)
        {
            throw RequestRules.TooManyTensors(name, _json.Limits);
        }
    }

    // Data that was read the fast way does not count in the reader's places; read again from the start, they are right.
    private static JsonException? Find(ReadOnlySpan<byte> json, LimitOptions limits)
    {
        try
        {
            var reader = new Utf8JsonReader(json, JsonCursor.OptionsFor(limits));
            while (reader.Read())
            {
                // Until what is wrong.
            }

            return null;
        }
        catch (JsonException exception)
        {
            return exception;
        }
    }

    private static InvalidInferBodyException NotJson(JsonException exception) => new(
        $"the body is not valid JSON at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}: "
        + exception.Message.Split(" LineNumber:")[0]);
}
