namespace InferenceTemplate.Core.Tensors;

/// <summary>The tensor datatypes of the Open Inference Protocol v2, and BF16 as Triton adds it.</summary>
public enum Datatype
{
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Fp32,
    Fp64,
    Bf16,

    /// <summary>Variable-length elements: each a little-endian uint32 length and that many bytes.</summary>
    Bytes,
}

public static class Datatypes
{
    /// <summary>The name on the wire, such as <c>FP32</c>.</summary>
    public static string Name(this Datatype datatype) => datatype switch
    {
        Datatype.Bool => "BOOL",
        Datatype.Uint8 => "UINT8",
        Datatype.Uint16 => "UINT16",
        Datatype.Uint32 => "UINT32",
        Datatype.Uint64 => "UINT64",
        Datatype.Int8 => "INT8",
        Datatype.Int16 => "INT16",
        Datatype.Int32 => "INT32",
        Datatype.Int64 => "INT64",
        Datatype.Fp16 => "FP16",
        Datatype.Fp32 => "FP32",
        Datatype.Fp64 => "FP64",
        Datatype.Bf16 => "BF16",
        _ => "BYTES",
    };

    /// <summary>Bytes of one element; 0 for <see cref="Datatype.Bytes"/>, whose elements differ.</summary>
    public static int Size(this Datatype datatype) => datatype switch
    {
        Datatype.Bool or Datatype.Uint8 or Datatype.Int8 => 1,
        Datatype.Uint16 or Datatype.Int16 or Datatype.Fp16 or Datatype.Bf16 => 2,
        Datatype.Uint32 or Datatype.Int32 or Datatype.Fp32 => 4,
        Datatype.Uint64 or Datatype.Int64 or Datatype.Fp64 => 8,
        _ => 0,
    };

    public static bool TryParse(string? name, out Datatype datatype)
    {
        foreach (var candidate in Enum.GetValues<Datatype>())
        {
            if (string.Equals(candidate.Name(), name, StringComparison.Ordinal))
            {
                datatype = candidate;
                return true;
            }
        }

        datatype = default;
        return false;
    }
}
