using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace InferenceTemplate.Core.Tensors;

/// <summary>SHA-256 over the parts of a request: of its meaning, not of the bytes that it came in.</summary>
public sealed class RequestHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public void Add(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        _hash.AppendData(bytes);
    }

    /// <summary>Adds the length first, so that what follows one text can't be taken for its end.</summary>
    public void Add(string? text)
    {
        var bytes = Encoding.UTF8.GetBytes(text ?? "");
        Add(text is null ? -1 : bytes.Length);
        _hash.AppendData(bytes);
    }

    /// <summary>Adds tensors by name: in which order they were given makes no difference.</summary>
    public void Add(IEnumerable<Tensor> inputs)
    {
        foreach (var input in inputs.OrderBy(i => i.Name, StringComparer.Ordinal))
        {
            Add(input.Name);
            Add((long)input.Datatype);
            Add(input.Shape.Length);
            foreach (var dimension in input.Shape)
            {
                Add(dimension);
            }

            Add(input.Data.Length);
            _hash.AppendData(input.Data.Span);
        }
    }

    /// <summary>The 32 bytes; what is added afterwards begins another hash.</summary>
    public byte[] Finish() => _hash.GetHashAndReset();

    public void Dispose() => _hash.Dispose();
}
