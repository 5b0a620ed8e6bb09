using System.Buffers.Binary;
using System.Globalization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// Reads a request's body in any of its three forms: JSON; JSON with raw tensors behind it, whose length
/// <c>Inference-Header-Content-Length</c> gives; or, where that is 0, nothing but the one input's raw data. Each may be compressed.
/// </summary>
internal static class InferRequest
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    /// <exception cref="InvalidInferBodyException">The body is not a request; the message says why.</exception>
    /// <exception cref="BadHttpRequestException">The body is larger than allowed (413), ended too early (400), or is compressed in an
    /// unknown way (415).</exception>
    public static async ValueTask<InferBody> ReadAsync(
        HttpRequest request, ModelVersion version, LimitOptions limits, CancellationToken cancellationToken)
    {
        using var content = await RequestBody.ReadAsync(request, limits.MaxBodyBytes, cancellationToken);
        string? header = request.Headers.TryGetValue(HeaderLength, out var values) ? values.ToString() : null;
        return Read(content.Span, header, version.Signature, limits);
    }

    /// <param name="header">Value of <see cref="HeaderLength"/>; null where the request has none.</param>
    /// <exception cref="InvalidInferBodyException">The body is not a request; the message says why.</exception>
    public static InferBody Read(ReadOnlySpan<byte> content, string? header, ModelSignature signature, LimitOptions limits)
    {
        if (header is null)
        {
            return InferBodyReader.Read(content, limits: limits);
        }

        if (!int.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > content.Length)
        {
            throw new InvalidInferBodyException(
                $"{HeaderLength}: '{header}' given, a whole number up to the body's {content.Length} bytes expected");
        }

        return length == 0
            ? new InferBody(null, null, [ReadRaw(content, signature, limits)], []) { Forms = OutputForms.Binary }
            : InferBodyReader.Read(content[..length], content[length..], limits);
    }

    // A batch of one; of the other dimensions, one may be open: the data's length tells it.
    private static Tensor ReadRaw(ReadOnlySpan<byte> data, ModelSignature signature, LimitOptions limits)
    {
        if (signature.Inputs is not [var input])
        {
            throw new InvalidInferBodyException(
                $"{HeaderLength}: 0, a body of raw data only, is for models with one input; this one has {signature.Inputs.Length}");
        }

        long[] shape = [.. input.ToldShape()];
        if (signature.IsBatchable)
        {
            shape[0] = 1;
        }

        var open = Array.IndexOf(shape, TensorShape.Variable);
        var known = 1L;
        foreach (var dimension in shape)
        {
            known *= dimension == TensorShape.Variable ? 1 : dimension;
        }

        if (open >= 0 && Array.IndexOf(shape, TensorShape.Variable, open + 1) >= 0)
        {
            throw new InvalidInferBodyException(
                $"the body: raw data can't tell the shape of '{input.Name}', {TensorShape.Format(input.Shape)}; send JSON before it");
        }

        if (input.Datatype == Datatype.Bytes)
        {
            shape = open >= 0 ? [.. shape.Select(d => d == TensorShape.Variable ? 1 : d)] : shape;
            return known == 1
                ? new Tensor(input.Name, input.Datatype, shape, OneElement(data))
                : throw new InvalidInferBodyException($"the body: raw data is one element, but '{input.Name}' has {known}");
        }

        if (open >= 0 && known > 0)
        {
            shape[open] = data.Length / (known * input.Datatype.Size());
        }

        var expected = (long)TensorDataReader.ElementCount(shape, 0, limits) * input.Datatype.Size();
        if (data.Length != expected)
        {
            throw new InvalidInferBodyException(
                $"the body: {data.Length} bytes given, but {expected} are {input.Datatype.Name()} {TensorShape.Format(shape)}");
        }

        BinaryTensors.CheckElements(data, input.Datatype, "the body");
        return new Tensor(input.Name, input.Datatype, shape, data.ToArray());
    }

    private static byte[] OneElement(ReadOnlySpan<byte> data)
    {
        var element = new byte[sizeof(uint) + data.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(element, (uint)data.Length);
        data.CopyTo(element.AsSpan(sizeof(uint)));
        return element;
    }
}
