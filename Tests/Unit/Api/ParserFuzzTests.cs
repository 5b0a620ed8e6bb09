using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Unit.Api;

/// <summary>It measures the process's memory, which others must not use meanwhile.</summary>
[CollectionDefinition(nameof(ParserFuzzTests), DisableParallelization = true)]
public sealed class ParserFuzzCollection;

/// <summary>
/// What becomes of 120,000 requests that nobody means: each is read as something that is whole, or refused with a reason. What is read
/// can be answered. Nothing takes more memory than its size allows, and nothing keeps any.
/// </summary>
[Collection(nameof(ParserFuzzTests))]
public sealed class ParserFuzzTests
{
    private const int Requests = 30_000;
    private const int WarmUp = 3_000;
    private const int LongestReason = 2_000;

    private static readonly LimitOptions Limits = new();

    private static readonly ModelSignature[] Signatures =
    [
        new([new("image", Datatype.Fp32, [-1, 2, 2])], [new("y", Datatype.Fp32, [-1])]),
        new([new("a", Datatype.Bytes, [-1]), new("b", Datatype.Bool, [-1])], [new("a", Datatype.Bytes, [-1])]),
        new([new("h", Datatype.Fp16, [2, -1])], [new("h", Datatype.Fp16, [2, -1])]),
        new([new("t", Datatype.Bytes, [-1])], [new("t", Datatype.Bytes, [-1])]),
        new([new("n", Datatype.Int64, [])], [new("n", Datatype.Int64, [])]),
    ];

    private static readonly (byte[] Body, string? Header)[] Seeds =
    [
        Json("""{"id":"x","inputs":[{"name":"image","shape":[1,2,2],"datatype":"FP32","data":[1,2.5,-3e2,4]}],"outputs":[{"name":"y"}]}"""),
        Json("""{"inputs":[{"data":[[[0,1],[2,3]]],"name":"image","datatype":"FP32","shape":[1,2,2]}],"parameters":{"priority":1,"timeout":500,"other":{"x":[1]}}}"""),
        Json("""{"inputs":[{"name":"a","shape":[3],"datatype":"BYTES","data":["p","\u00e9\n","z"]},{"name":"b","shape":[3],"datatype":"BOOL","data":[true,false,true]}]}"""),
        Json("""{"inputs":[{"name":"n","shape":[],"datatype":"INT64","data":[-9007199254740993]},{"name":"m","shape":[2],"datatype":"UINT8","data":[0,255]}]}"""),
        Json("""{"inputs":[{"name":"d","shape":[2,2],"datatype":"FP64","data":[0.1,1e300,-0.0,5e-324]},{"name":"u","shape":[1],"datatype":"UINT64","data":[18446744073709551615]}]}"""),
        Binary("""{"inputs":[{"name":"image","shape":[1,2,2],"datatype":"FP32","parameters":{"binary_data_size":16}}]}""", new byte[16]),
        Binary("""{"inputs":[{"name":"h","shape":[2,1],"datatype":"FP16","parameters":{"binary_data_size":4}}],"outputs":[{"name":"h","parameters":{"binary_data":true}}]}""", [0, 60, 0, 124]),
        Binary(
            """{"inputs":[{"name":"b","shape":[1],"datatype":"BOOL","data":[true]},{"name":"a","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":7}}]}""",
            [3, 0, 0, 0, 0xC3, 0x28, 0xFF]),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "0"),
    ];

    [Theory]
    [InlineData(20261121)]
    [InlineData(4711)]
    [InlineData(31337)]
    [InlineData(8)]
    public void Parser_reads_or_refuses_with_a_reason_whatever_it_is_given(int seed)
    {
        var mutations = new Mutations(seed);
        var (read, refused) = (0, 0);
        var before = (Managed: 0L, Resident: 0L);
        for (var i = 0; i < Requests; i++)
        {
            if (i == WarmUp)
            {
                before = Memory();
            }

            var (body, header) = mutations.Next(Seeds);
            try
            {
                if (Try(body, header, Signatures[i % Signatures.Length]))
                {
                    read++;
                }
                else
                {
                    refused++;
                }
            }
            catch (Exception exception)
            {
                Assert.Fail($"Seed {seed}, request {i}, header '{header}', body {Convert.ToBase64String(body)}: {exception}");
            }
        }

        // Neither would say much if it took everything or nothing.
        Assert.True(read > Requests / 100 && refused > Requests / 2, $"{read} read, {refused} refused");
        var after = Memory();
        Assert.True(after.Managed < (1.5 * before.Managed) + (4 << 20),
            $"Seed {seed}: managed memory grew from {before.Managed} to {after.Managed}");
        Assert.True(
            after.Resident < (1.5 * before.Resident) + (32 << 20), $"Seed {seed}: memory grew from {before.Resident} to {after.Resident}");
    }

    // Whether it was read; false where it was refused as it should.
    private static bool Try(byte[] body, string? header, ModelSignature signature)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        InferBody read;
        try
        {
            read = InferRequest.Read(body, header, signature, Limits);
        }
        catch (InvalidInferBodyException exception)
        {
            Assert.False(string.IsNullOrWhiteSpace(exception.Message));
            Assert.True(exception.Message.Length < LongestReason, $"a reason of {exception.Message.Length} characters");
            return false;
        }
        finally
        {
            // A double is eight bytes for two of text, read twice at most; the rest is for words and exceptions.
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            Assert.True(allocated < (32 * body.Length) + (128 << 10), $"{allocated} bytes taken for a body of {body.Length}");
        }

        foreach (var input in read.Inputs)
        {
            RequireWhole(input);
        }

        _ = SignatureValidator.Validate(signature, read.Inputs, read.Outputs, batched: true);
        _ = FiniteNumbers.Refusal(read.Inputs);
        RequireAnswerable(read);
        return true;
    }

    private static void RequireWhole(Tensor tensor)
    {
        var count = TensorShape.ElementCount(tensor.Shape);
        Assert.InRange(count, 0, Limits.MaxElements);
        if (tensor.Datatype != Datatype.Bytes)
        {
            Assert.Equal(count * tensor.Datatype.Size(), tensor.Data.Length);
            return;
        }

        var rest = tensor.Data.Span;
        for (; count > 0; count--)
        {
            rest = rest[(sizeof(uint) + checked((int)BinaryPrimitives.ReadUInt32LittleEndian(rest)))..];
        }

        Assert.True(rest.IsEmpty);
    }

    // As a model would that gives back what it gets.
    private static void RequireAnswerable(InferBody body)
    {
        var reply = new InferenceReply(
            Guid.Empty, ReplyOutcome.Completed, null, default, default, 1, "w",
            [.. body.Inputs.Where(i => i.Datatype is not (Datatype.Fp16 or Datatype.Bf16) || body.Forms.IsBinary(i.Name))]);
        var target = new ArrayBufferWriter<byte>();
        InferResponseWriter.Write(target, "m", "1", body.Id, reply, forms: body.Forms);
        using var answer = JsonDocument.Parse(target.WrittenMemory);
        Assert.Equal(reply.Outputs.Length, answer.RootElement.GetProperty("outputs").GetArrayLength());
    }

    private static (long Managed, long Resident) Memory()
    {
        var managed = GC.GetTotalMemory(forceFullCollection: true);
        return (managed, Environment.WorkingSet);
    }

    private static (byte[] Body, string? Header) Json(string json) => (Encoding.UTF8.GetBytes(json), null);

    private static (byte[] Body, string? Header) Binary(string json, byte[] tensors)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        return ([.. bytes, .. tensors], $"{bytes.Length}");
    }
}
