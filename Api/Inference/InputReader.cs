using System.Text.Json;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Inference;

/// <summary>Reads one element of <c>inputs</c>.</summary>
/// <exception cref="InvalidInferBodyException">Thrown by every member; says which field is wrong and how.</exception>
internal ref struct InputReader
{
    private const string Inputs = "inputs";

    // Of what is said of one that is unknown; all that are known are shorter.
    private const int LongestDatatype = 32;

    private readonly int _index;
    private string? _name;
    private Datatype? _datatype;
    private long[]? _shape;
    private ReadOnlyMemory<byte>? _data;
    private long? _binarySize;
    private bool _isBase64;

    // Where the data is, when it could not be read on the way.
    private Utf8JsonReader _place;
    private ReadOnlySpan<byte> _text;
    private bool _hasPlace;

    private InputReader(int index) => _index = index;

    public static Tensor Read(ref JsonCursor json, ref BinaryTensors binary, int index)
    {
        var input = new InputReader(index);
        input.Read(ref json);
        var tensor = input.ToTensor(ref binary, json.Limits);
        return input._isBase64 ? Base64Elements.Decode(tensor, index) : tensor;
    }

    /// <exception cref="InvalidInferBodyException">There is none of that name.</exception>
    public static Datatype ParseDatatype(string text, int index) => Datatypes.TryParse(text, out var parsed)
        ? parsed
        : throw new InvalidInferBodyException(
            $"inputs[{index}].datatype: '{(text.Length <= LongestDatatype ? text : text[..LongestDatatype] + "...")}' is not a datatype of the protocol");

    private void Read(ref JsonCursor json)
    {
        json.Require(JsonTokenType.StartObject, Inputs, _index);
        var seen = new MemberNames(Inputs, _index);
        while (json.NextProperty(ref seen))
        {
            if (json.Is("name"u8))
            {
                _name = json.ReadName(Inputs, _index);
            }
            else if (json.Is("datatype"u8))
            {
                var text = json.ReadString(Inputs, _index, "datatype");
                _datatype = ParseDatatype(text, _index);
            }
            else if (json.Is("shape"u8))
            {
                ReadShape(ref json);
            }
            else if (json.Is("data"u8))
            {
                ReadData(ref json);
            }
            else if (json.Is("parameters"u8))
            {
                ReadParameters(ref json);
            }
            else
            {
                json.SkipProperty();
            }
        }
    }

    private readonly Tensor ToTensor(ref BinaryTensors binary, LimitOptions limits)
    {
        var hasData = _hasPlace || _data is not null || _binarySize is not null;
        if (_name is null || _datatype is not { } datatype || _shape is null || !hasData)
        {
            var missing = _name is null ? "name" : _datatype is null ? "datatype" : _shape is null ? "shape" : "data";
            throw RequestRules.Missing(Inputs, _index, missing);
        }

        if (_binarySize is { } size)
        {
            return _hasPlace || _data is not null
                ? throw new InvalidInferBodyException($"inputs[{_index}]: data and binary_data_size are both given")
                : new Tensor(
                    _name, datatype, _shape, binary.Take(size, datatype, TensorDataReader.ElementCount(_shape, _index, limits), _index));
        }

        if (_data is { } data)
        {
            return new Tensor(_name, datatype, _shape, data);
        }

        data = TensorDataReader.Read(_place, _text, datatype, _shape, _index, limits);
        RequireNesting(_text, _shape);
        return new Tensor(_name, datatype, _shape, data);
    }

    private readonly void RequireNesting(ReadOnlySpan<byte> text, long[] shape)
    {
        if (!DataNesting.Fits(text, shape))
        {
            throw new InvalidInferBodyException(
                $"inputs[{_index}].data: nested otherwise than the shape {TensorShape.Format(shape)}; give it flat, or nested as the shape says");
        }
    }

    private void ReadData(ref JsonCursor json)
    {
        if (json.IsNull)
        {
            return;
        }

        // The usual order of properties allows to read it in one pass.
        if (_datatype is { } datatype && _shape is not null && json.Reader.TokenType == JsonTokenType.StartArray)
        {
            var data = TensorDataReader.TryReadNumbers(
                json.Rest, datatype, TensorDataReader.ElementCount(_shape, _index, json.Limits), json.DepthLeft, out var length);
            if (data is not null)
            {
                RequireNesting(json.Rest[..length], _shape);
                json.SkipArray(length);
                (_data, _hasPlace) = (data, false);
                return;
            }
        }

        // Its meaning may come after it: keep the place, and read it when datatype and shape are known.
        _place = json.Reader;
        _text = json.Rest;
        _hasPlace = true;
        _data = null;
        json.Skip();
    }

    private void ReadParameters(ref JsonCursor json)
    {
        if (json.IsNull)
        {
            return;
        }

        json.Require(JsonTokenType.StartObject, Inputs, _index, "parameters");
        var seen = new MemberNames(Inputs, _index, "parameters");
        while (json.NextProperty(ref seen))
        {
            if (json.Is("binary_data_size"u8))
            {
                _binarySize = json.IsNull
                    ? null
                    : json.ReadWhole($"inputs[{_index}].parameters.binary_data_size: a whole number of bytes expected");
            }
            else if (json.Is("content_type"u8))
            {
                _isBase64 = !json.IsNull
                    && json.ReadString(Inputs, _index, "parameters.content_type") == Base64Elements.ContentType;
            }
            else
            {
                json.SkipParameter(Inputs, _index, "parameters");
            }
        }
    }

    private void ReadShape(ref JsonCursor json)
    {
        json.Require(JsonTokenType.StartArray, Inputs, _index, "shape");
        Span<long> shape = stackalloc long[json.Limits.MaxDimensions];
        var count = 0;
        while (json.Next() != JsonTokenType.EndArray)
        {
            if (json.Reader.TokenType != JsonTokenType.Number
                || !json.Reader.TryGetInt64(out var size) || size < 0 || size > json.Limits.MaxElements)
            {
                throw RequestRules.WrongSize(_index, json.Limits);
            }

            if (count == json.Limits.MaxDimensions)
            {
                throw RequestRules.TooManyDimensions(_index, json.Limits);
            }

            shape[count++] = size;
        }

        _shape = shape[..count].ToArray();
    }
}
