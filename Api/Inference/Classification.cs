using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// The classification extension: an output's highest scores as texts <c>score:index</c>, or <c>score:index:label</c> where the version
/// names its classes, highest first, the lower index first among equals, NaN last. Of each row where the model has batches, else of the
/// whole tensor. The run itself, and what is cached of it, are those of the plain output.
/// </summary>
internal static class Classification
{
    /// <summary>Classes that one output may be asked for.</summary>
    public const int MaxClasses = 10_000;

    // Texts in one answer, and their bytes: each takes many times those of its number, and a label may be long.
    private const int MaxTexts = 1 << 20;
    private const int MaxBytes = 64 << 20;

    /// <summary>Why the outputs can't be asked for so; null where they can.</summary>
    public static string? Refusal(ModelSignature signature, OutputForms forms)
    {
        foreach (var output in signature.Outputs)
        {
            if (forms.ClassesOf(output.Name) > 0 && output.Datatype is Datatype.Bytes or Datatype.Bool)
            {
                return $"outputs: '{output.Name}' is {output.Datatype.Name()}, which has no classes; classification is for numbers";
            }
        }

        return null;
    }

    /// <summary>The outputs of a call in the form that was asked for, or why they can't have it; nothing of one without a result.</summary>
    public static (InferenceReply? Reply, string? Refusal) Of(InferenceCallResult result, ModelVersion version, OutputForms forms) =>
        result.Status == StatusCodes.Status200OK ? Apply(result.Reply!, version, forms) : (null, null);

    /// <returns>The reply with classes in place of the outputs that were asked for so, or why it can't be given.</returns>
    public static (InferenceReply Reply, string? Refusal) Apply(InferenceReply reply, ModelVersion version, OutputForms forms)
    {
        if (!forms.HasClasses)
        {
            return (reply, null);
        }

        var outputs = new Tensor[reply.Outputs.Length];
        var (texts, bytes) = (0L, 0L);
        for (var i = 0; i < outputs.Length; i++)
        {
            var output = reply.Outputs[i];
            var asked = forms.ClassesOf(output.Name);
            if (asked == 0)
            {
                outputs[i] = output;
                continue;
            }

            long? rows = version.Signature.IsBatchable && output.Shape.Length > 0 ? output.Shape[0] : null;
            var count = output.ElementCount;
            var classes = (int)Math.Min(asked, rows is > 0 ? count / rows.Value : count);
            texts += (rows ?? 1) * classes;
            if (texts > MaxTexts)
            {
                return (
                    reply,
                    $"outputs: '{output.Name}' has {rows} rows, of which {classes} classes each are more than {MaxTexts} texts; ask for less");
            }

            var labels = ClassLabels.Of(version.Metadata, output.Name);
            if (Texts(output, rows ?? 1, classes, labels, MaxBytes - bytes) is not { } written)
            {
                return (
                    reply, $"outputs: with the labels of '{output.Name}' the classes take more than {MaxBytes} bytes; ask for less");
            }

            bytes += written.Length;
            outputs[i] = new Tensor(output.Name, Datatype.Bytes, rows is { } batch ? [batch, classes] : [classes], written);
        }

        return (reply with { Outputs = outputs }, null);
    }

    // Null where they would take more bytes than that.
    private static ReadOnlyMemory<byte>? Texts(Tensor output, long rows, int classes, string[] labels, long most) => output.Datatype switch
    {
        Datatype.Uint8 => Texts<byte>(output, rows, classes, labels, most),
        Datatype.Uint16 => Texts<ushort>(output, rows, classes, labels, most),
        Datatype.Uint32 => Texts<uint>(output, rows, classes, labels, most),
        Datatype.Uint64 => Texts<ulong>(output, rows, classes, labels, most),
        Datatype.Int8 => Texts<sbyte>(output, rows, classes, labels, most),
        Datatype.Int16 => Texts<short>(output, rows, classes, labels, most),
        Datatype.Int32 => Texts<int>(output, rows, classes, labels, most),
        Datatype.Int64 => Texts<long>(output, rows, classes, labels, most),
        Datatype.Fp16 => Texts<Half>(output, rows, classes, labels, most),
        Datatype.Bf16 => Texts<float>(output with { Data = Widened(output.Data.Span) }, rows, classes, labels, most),
        Datatype.Fp32 => Texts<float>(output, rows, classes, labels, most),
        Datatype.Fp64 => Texts<double>(output, rows, classes, labels, most),
        _ => throw new InvalidOperationException($"{output.Datatype} has no classes."),
    };

    private static ReadOnlyMemory<byte>? Texts<T>(Tensor output, long rows, int classes, string[] labels, long most)
        where T : unmanaged, IComparable<T>, ISpanFormattable
    {
        var values = MemoryMarshal.Cast<byte, T>(output.Data.Span);
        var texts = new ArrayBufferWriter<byte>();
        var width = rows > 0 ? values.Length / (int)rows : 0;
        for (var row = 0; row < rows && classes > 0; row++)
        {
            Highest(values.Slice(row * width, width), classes, texts, labels);
            if (texts.WrittenCount > most)
            {
                return null;
            }
        }

        return texts.WrittenMemory;
    }

    private static void Highest<T>(ReadOnlySpan<T> scores, int classes, ArrayBufferWriter<byte> texts, string[] labels)
        where T : unmanaged, IComparable<T>, ISpanFormattable
    {
        // The worst of those kept is the first to leave. NaN compares as the lowest of all.
        var kept = new PriorityQueue<int, (T Score, int Last)>(classes + 1);
        for (var i = 0; i < scores.Length; i++)
        {
            if (kept.Count < classes)
            {
                kept.Enqueue(i, (scores[i], -i));
            }
            else
            {
                kept.EnqueueDequeue(i, (scores[i], -i));
            }
        }

        Span<int> indices = new int[kept.Count];
        for (var at = indices.Length - 1; at >= 0; at--)
        {
            indices[at] = kept.Dequeue();
        }

        foreach (var index in indices)
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{scores[index]}:{index}");
            Write(texts, index < labels.Length && labels[index].Length > 0 ? $"{text}:{labels[index]}" : text);
        }
    }

    private static void Write(ArrayBufferWriter<byte> texts, string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        var target = texts.GetSpan(sizeof(uint) + length);
        BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)length);
        Encoding.UTF8.GetBytes(text, target[sizeof(uint)..]);
        texts.Advance(sizeof(uint) + length);
    }

    // BF16 is the upper half of FP32.
    private static byte[] Widened(ReadOnlySpan<byte> half)
    {
        var wide = new byte[half.Length * 2];
        for (var i = 0; i < half.Length; i += 2)
        {
            half.Slice(i, 2).CopyTo(wide.AsSpan((2 * i) + 2));
        }

        return wide;
    }
}
