namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// The inputs and outputs that a model declares: those that are no tensors of a datatype of the protocol are refused by name.
/// </summary>
internal sealed class OnnxValueScanner(ProtobufReader reader)
{
    private const int MaxName = 256;

    // By their numbers in onnx.proto.
    private static readonly string[] ElementTypes =
    [
        "UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE",
        "UINT32", "UINT64",
        "COMPLEX64", "COMPLEX128", "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4", "INT4",
        "FLOAT4E2M1",
        "FLOAT8E8M0", "UINT2", "INT2",
    ];

    private static readonly HashSet<string> Unserved =
    [
        "COMPLEX64", "COMPLEX128", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4", "INT4", "FLOAT4E2M1",
        "FLOAT8E8M0",
        "UINT2", "INT2",
    ];

    private readonly HashSet<string> _unranked = new(StringComparer.Ordinal);

    /// <summary>The names of tensors without a shape, hence of any rank; a scalar has a shape without dimensions.</summary>
    public IReadOnlySet<string> Unranked => _unranked;

    /// <param name="kind"><c>input</c> or <c>output</c>.</param>
    /// <exception cref="ModelRefusedException">It is not a tensor, or of elements that are not served.</exception>
    public void Value(ProtobufField value, string kind)
    {
        var name = "";
        for (ProtobufField field; reader.TryNext(value.End, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsBlock: true }:
                    name = reader.ReadText(field, MaxName);
                    break;
                case { Number: 2, IsBlock: true }:
                    Type(field.End, kind, name);
                    break;
            }
        }
    }

    private void Type(long end, string kind, string name)
    {
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsBlock: true }:
                    Tensor(field.End, kind, name);
                    break;
                case { Number: 4 or 5 or 7 or 8 or 9, IsBlock: true }:
                    var what =
                        field.Number switch { 4 => "a sequence", 5 => "a map", 8 => "a sparse tensor", 9 => "optional", _ => "opaque" };
                    throw new ModelRefusedException(
                        $"{kind} '{name}' is {what}; only tensors are served: export it as a tensor (scikit-learn: options={{'zipmap': False}})");
            }
        }
    }

    private void Tensor(long end, string kind, string name)
    {
        var shaped = false;
        for (ProtobufField field; reader.TryNext(end, out field); reader.MoveTo(field.End))
        {
            switch (field)
            {
                case { Number: 1, IsVarint: true } when field.Value < (ulong)ElementTypes.Length
                    && Unserved.Contains(ElementTypes[field.Value]):
                    throw new ModelRefusedException(
                        $"{kind} '{name}' is {ElementTypes[field.Value]}, for which the protocol has no datatype: cast it inside the graph");
                case { Number: 2, IsBlock: true }:
                    shaped = true;
                    break;
            }
        }

        if (!shaped)
        {
            _unranked.Add(name);
        }
    }
}
