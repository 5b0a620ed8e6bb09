using System.Text.Json;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Tensors;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>
/// Reads the JSON of an inference request. Tensor data goes from the UTF-8 text straight into tensor memory: no document,
/// no boxed numbers.
/// </summary>
/// <exception cref="InvalidInferBodyException">Thrown by every member; says which field is wrong and how.</exception>
internal ref struct InferBodyReader(ReadOnlySpan<byte> json)
{
    private JsonCursor _json = new(json);

    public static InferBody Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return new InferBodyReader(json).Read();
        }
        catch (JsonException exception)
        {
            throw new InvalidInferBodyException(
                $"the body is not valid JSON at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}: "
                + exception.Message.Split(" LineNumber:")[0]);
        }
    }

    private InferBody Read()
    {
        string? id = null;
        (TimeSpan? Timeout, long Priority) parameters = default;
        var inputs = new List<Tensor>();
        var outputs = new List<string>();
        var hasInputs = false;

        _json.Next();
        _json.Require(JsonTokenType.StartObject, "the body");
        while (_json.NextProperty() is { } property)
        {
            switch (property)
            {
                case "id":
                    id = ReadId();
                    break;
                case "parameters":
                    parameters = ReadParameters();
                    break;
                case "inputs":
                    hasInputs = true;
                    ReadArray("inputs", ref this, (ref InferBodyReader self, int index) => inputs.Add(self.ReadInput(index)));
                    break;
                case "outputs":
                    ReadArray("outputs", ref this, (ref InferBodyReader self, int index) => outputs.Add(self.ReadOutput(index)));
                    break;
                default:
                    _json.Skip();
                    break;
            }
        }

        if (_json.HasMore())
        {
            throw new InvalidInferBodyException("the body goes on after its JSON object");
        }

        return hasInputs
            ? new InferBody(id, parameters.Timeout, Priorities.FromProtocol(parameters.Priority), [.. inputs], [.. outputs])
            : throw new InvalidInferBodyException("inputs: missing");
    }

    private string? ReadId()
    {
        if (_json.Reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        var id = _json.ReadString("id");
        return id.Length <= InferLimits.MaxIdLength
            ? (id.Length == 0 ? null : id)
            : throw new InvalidInferBodyException($"id: {id.Length} characters given, at most {InferLimits.MaxIdLength} allowed");
    }

    private (TimeSpan? Timeout, long Priority) ReadParameters()
    {
        _json.Require(JsonTokenType.StartObject, "parameters");
        (TimeSpan? Timeout, long Priority) parameters = default;
        while (_json.NextProperty() is { } name)
        {
            switch (name)
            {
                case "timeout":
                    // Zero means: no timeout of its own.
                    var microseconds = ReadWhole("parameters.timeout: a whole number of microseconds expected");
                    parameters.Timeout = microseconds == 0 ? null : TimeSpan.FromMicroseconds(Math.Min(microseconds, int.MaxValue * 1000L));
                    break;
                case "priority":
                    parameters.Priority = ReadWhole("parameters.priority: a whole number from 0 expected (1 is the highest)");
                    break;
                default:
                    _json.Skip();
                    break;
            }
        }

        return parameters;
    }

    private readonly long ReadWhole(string problem) =>
        _json.Reader.TokenType == JsonTokenType.Number && _json.Reader.TryGetInt64(out var number) && number >= 0
            ? number
            : throw new InvalidInferBodyException(problem);

    private Tensor ReadInput(int index)
    {
        var path = $"inputs[{index}]";
        string? name = null;
        Datatype? datatype = null;
        long[]? shape = null;
        Utf8JsonReader data = default;
        var hasData = false;

        _json.Require(JsonTokenType.StartObject, path);
        while (_json.NextProperty() is { } property)
        {
            switch (property)
            {
                case "name":
                    name = _json.ReadString($"{path}.name");
                    break;
                case "datatype":
                    var text = _json.ReadString($"{path}.datatype");
                    datatype = Datatypes.TryParse(text, out var parsed)
                        ? parsed
                        : throw new InvalidInferBodyException($"{path}.datatype: '{text}' is not a datatype of the protocol");
                    break;
                case "shape":
                    shape = ReadShape($"{path}.shape");
                    break;
                case "data":
                    // Its meaning may come after it: keep the place, and read it when datatype and shape are known.
                    data = _json.Reader;
                    hasData = true;
                    _json.Skip();
                    break;
                default:
                    _json.Skip();
                    break;
            }
        }

        if (name is null || datatype is null || shape is null || !hasData)
        {
            var missing = name is null ? "name" : datatype is null ? "datatype" : shape is null ? "shape" : "data";
            throw new InvalidInferBodyException($"{path}.{missing}: missing");
        }

        return new Tensor(name, datatype.Value, shape, TensorDataReader.Read(data, datatype.Value, shape, path));
    }

    private string ReadOutput(int index)
    {
        var path = $"outputs[{index}]";
        string? name = null;
        _json.Require(JsonTokenType.StartObject, path);
        while (_json.NextProperty() is { } property)
        {
            if (property == "name")
            {
                name = _json.ReadString($"{path}.name");
            }
            else
            {
                _json.Skip();
            }
        }

        return name ?? throw new InvalidInferBodyException($"{path}.name: missing");
    }

    private long[] ReadShape(string path)
    {
        _json.Require(JsonTokenType.StartArray, path);
        var shape = new List<long>();
        while (_json.Next() != JsonTokenType.EndArray)
        {
            if (_json.Reader.TokenType != JsonTokenType.Number || !_json.Reader.TryGetInt64(out var size) || size is < 0 or > InferLimits.MaxElements)
            {
                throw new InvalidInferBodyException($"{path}: whole numbers from 0 to {InferLimits.MaxElements} expected");
            }

            shape.Add(size);
            if (shape.Count > InferLimits.MaxDimensions)
            {
                throw new InvalidInferBodyException($"{path}: more than {InferLimits.MaxDimensions} dimensions");
            }
        }

        return [.. shape];
    }

    private delegate void ReadElement(ref InferBodyReader self, int index);

    private static void ReadArray(string path, ref InferBodyReader self, ReadElement readElement)
    {
        self._json.Require(JsonTokenType.StartArray, path);
        for (var index = 0; self._json.Next() != JsonTokenType.EndArray; index++)
        {
            if (index == InferLimits.MaxTensors)
            {
                throw new InvalidInferBodyException($"{path}: more than {InferLimits.MaxTensors} given");
            }

            readElement(ref self, index);
        }
    }
}
