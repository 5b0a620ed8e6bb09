using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Grpc.Core;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>The forms in which one request can be made.</summary>
public enum ProtocolForm
{
    /// <summary>REST with numbers as text.</summary>
    Json,

    /// <summary>REST with raw tensors behind the JSON.</summary>
    Binary,

    /// <summary>gRPC with typed contents.</summary>
    Typed,

    /// <summary>gRPC with raw contents.</summary>
    Raw,

    /// <summary>A stream of gRPC with raw contents.</summary>
    Stream,
}

/// <summary>A tensor of a call, whatever form it will have.</summary>
/// <param name="Data">Its elements, little-endian; texts with a length of four bytes before each.</param>
internal sealed record CallTensor(string Name, string Datatype, long[] Shape, byte[] Data)
{
    public static CallTensor Of<T>(string name, string datatype, long[] shape, params T[] values)
        where T : unmanaged => new(name, datatype, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static CallTensor Text(string name, long[] shape, params string[] values) =>
        new(name, "BYTES", shape, [.. values.Select(Encoding.UTF8.GetBytes).SelectMany(Prefixed)]);

    /// <summary>As JSON has it.</summary>
    public IEnumerable<object> Elements => Datatype switch
    {
        "BOOL" => Data.Select(value => (object)(value != 0)),
        "INT8" => As<sbyte>(),
        "INT16" => As<short>(),
        "INT32" => As<int>(),
        "INT64" => As<long>(),
        "UINT8" => As<byte>(),
        "UINT16" => As<ushort>(),
        "UINT32" => As<uint>(),
        "UINT64" => As<ulong>(),
        "FP32" => As<float>(),
        "FP64" => As<double>(),
        "BYTES" => Texts(),
        _ => throw new InvalidOperationException($"{Datatype} has no numbers in JSON."),
    };

    public string Json => $"[{string.Join(',', Elements.Select(element => JsonSerializer.Serialize(element)))}]";

    private IEnumerable<object> As<T>()
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(Data).ToArray().Select(value => (object)value);

    private List<object> Texts()
    {
        var texts = new List<object>();
        for (var at = 0; at < Data.Length;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(Data.AsSpan(at));
            texts.Add(Encoding.UTF8.GetString(Data, at + sizeof(int), length));
            at += sizeof(int) + length;
        }

        return texts;
    }

    private static byte[] Prefixed(byte[] text)
    {
        var element = new byte[sizeof(int) + text.Length];
        BinaryPrimitives.WriteInt32LittleEndian(element, text.Length);
        text.CopyTo(element, sizeof(int));
        return element;
    }
}

/// <summary>A request for inference, before it has a form.</summary>
internal sealed record Call(string Model, params CallTensor[] Inputs)
{
    public string? Version { get; init; }

    public string? Id { get; init; }

    /// <summary>Names, with the classes that are asked for in place of the output; 0: none.</summary>
    public (string Name, int Classes)[] Outputs { get; init; } = [];

    public (string Name, long Value)[] Parameters { get; init; } = [];

    /// <summary>Of the first input.</summary>
    public (string Name, string Value)[] InputParameters { get; init; } = [];
}

/// <summary>How a call ended, in either protocol.</summary>
/// <param name="Refusal">The status of gRPC that says the same as that of REST; null where there are outputs.</param>
internal sealed record CallAnswer(StatusCode? Refusal, string? Error)
{
    public string Model { get; init; } = "";

    public string Version { get; init; } = "";

    public string Id { get; init; } = "";

    public CallTensor[] Outputs { get; init; } = [];
}
