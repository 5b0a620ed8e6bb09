using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit.Api;

/// <summary>Numbers read the fast way are bit for bit those that the framework reads.</summary>
public sealed class NumberTests
{
    private const int Random = 1_200_000;

    [Fact]
    public void Floats_are_those_of_the_framework_for_a_million_texts()
    {
        var random = new Random(4);
        for (var done = 0; done < Random;)
        {
            var texts = Enumerable.Range(0, 1_000).Select(i => SingleText(random, i % 10)).ToArray();
            var read = ReadAll<float>(Datatype.Fp32, texts);
            for (var i = 0; i < texts.Length; i++)
            {
                var expected = float.Parse(texts[i], CultureInfo.InvariantCulture);
                Assert.True(
                    BitConverter.SingleToUInt32Bits(expected) == BitConverter.SingleToUInt32Bits(read[i]),
                    $"{texts[i]} was read as {read[i]:R}, it is {expected:R}");
            }

            done += texts.Length;
        }
    }

    [Fact]
    public void Doubles_are_those_of_the_framework_for_a_million_texts()
    {
        var random = new Random(5);
        for (var done = 0; done < Random;)
        {
            var texts = Enumerable.Range(0, 1_000).Select(i => DoubleText(random, i % 4)).ToArray();
            var read = ReadAll<double>(Datatype.Fp64, texts);
            for (var i = 0; i < texts.Length; i++)
            {
                var expected = double.Parse(texts[i], CultureInfo.InvariantCulture);
                Assert.True(
                    BitConverter.DoubleToUInt64Bits(expected) == BitConverter.DoubleToUInt64Bits(read[i]),
                    $"{texts[i]} was read as {read[i]:R}, it is {expected:R}");
            }

            done += texts.Length;
        }
    }

    [Theory]
    [InlineData(Datatype.Uint8)]
    [InlineData(Datatype.Int8)]
    [InlineData(Datatype.Uint16)]
    [InlineData(Datatype.Int16)]
    [InlineData(Datatype.Uint32)]
    [InlineData(Datatype.Int32)]
    [InlineData(Datatype.Uint64)]
    [InlineData(Datatype.Int64)]
    public void Whole_numbers_are_taken_where_the_framework_takes_them(Datatype datatype)
    {
        var random = new Random(6);
        string[] edges =
        [
            "0", "-0", "1", "-1", "127", "128", "-128", "-129", "255", "256", "32767", "32768", "-32768", "-32769", "65535", "65536",
            "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1.0", "1e2", "01",
            "+1", "-", "",
        ];
        foreach (var text in edges.Concat(Enumerable.Range(0, 20_000).Select(_ => WholeText(random))))
        {
            var target = new byte[datatype.Size()];
            var taken = TensorNumbers.Read(Encoding.UTF8.GetBytes($"[{text}]"), datatype, target, 8) > 0;
            var expected = Expected(text, datatype);

            // What it does not take, the slow way decides; what it takes must be right.
            Assert.False(taken && expected is null, $"{text} is not a {datatype}");
            Assert.True(taken || expected is null || text is "-0" || text.Length > 19, $"{text} is a {datatype}");
            Assert.True(!taken || target.AsSpan().SequenceEqual(expected), $"{text} is another {datatype}");
        }
    }

    [Theory]
    [InlineData("01")]
    [InlineData("-01")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("-.5")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("+1")]
    [InlineData("-")]
    [InlineData("0x1")]
    [InlineData("1_0")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("1e99")]
    [InlineData("\"1\"")]
    [InlineData("1 2")]
    [InlineData("1,,2")]
    [InlineData("1,")]
    [InlineData(",1")]
    [InlineData("[1")]
    [InlineData("1:2")]
    public void Text_that_is_no_number_or_no_array_is_not_taken(string text)
    {
        foreach (var count in (int[])[1, 2])
        {
            Assert.Equal(-1, TensorNumbers.Read(Encoding.UTF8.GetBytes($"[{text}"), Datatype.Fp32, new byte[4 * count], 8));
            Assert.Equal(-1, TensorNumbers.Read(Encoding.UTF8.GetBytes($"[{text}]"), Datatype.Fp32, new byte[4 * count], 8));
        }
    }

    [Theory]
    [InlineData("[1,2,3,4]")]
    [InlineData("[[1,2],[3,4]]")]
    [InlineData("[ 1 , 2\t,\r\n3,4 ]  ")]
    [InlineData("[[[1]],[[2, 3]],[],[[4]]]")]
    public void Nested_and_flat_data_are_the_same(string text)
    {
        var target = new byte[16];

        var length = TensorNumbers.Read(Encoding.UTF8.GetBytes(text + ",9]"), Datatype.Fp32, target, 3);

        Assert.Equal(text.TrimEnd().Length, length);
        Assert.Equal([1f, 2f, 3f, 4f], MemoryMarshal.Cast<byte, float>(target).ToArray());
    }

    [Fact]
    public void Arrays_deeper_than_allowed_are_not_taken()
    {
        Assert.Equal(5, TensorNumbers.Read("[[1]]"u8, Datatype.Uint8, new byte[1], 2));
        Assert.Equal(-1, TensorNumbers.Read("[[[1]]]"u8, Datatype.Uint8, new byte[1], 2));
    }

    private static T[] ReadAll<T>(Datatype datatype, string[] texts)
        where T : unmanaged
    {
        var json = Encoding.UTF8.GetBytes($"[{string.Join(',', texts)}]");
        var target = new byte[texts.Length * datatype.Size()];
        Assert.Equal(json.Length, TensorNumbers.Read(json, datatype, target, 8));
        return MemoryMarshal.Cast<byte, T>(target).ToArray();
    }

    private static string SingleText(Random random, int kind)
    {
        var any = Finite(random);
        return kind switch
        {
            0 => any.ToString(CultureInfo.InvariantCulture),
            1 => ((double)any).ToString("R", CultureInfo.InvariantCulture),
            2 => Halfway(any),
            3 => Halfway(any).Replace("E", "1E", StringComparison.Ordinal),
            4 => ((double)Halfway(any, out _) * (1 - 1e-16)).ToString("E17", CultureInfo.InvariantCulture),
            5 => Subnormal(random).ToString("E12", CultureInfo.InvariantCulture),
            6 => random.NextDouble().ToString("R", CultureInfo.InvariantCulture),
            7 => Digits(random, random.Next(1, 30)) + "." + Digits(random, random.Next(1, 30)),
            8 => $"{random.Next(10)}.{Digits(random, random.Next(1, 25))}e{random.Next(-50, 38)}",
            _ => random.Next(-40_000_000, 40_000_000).ToString(CultureInfo.InvariantCulture),
        };
    }

    private static string DoubleText(Random random, int kind) => kind switch
    {
        0 => random.NextDouble().ToString("R", CultureInfo.InvariantCulture),
        1 => $"{random.Next(1000)}.{Digits(random, random.Next(1, 12))}",
        2 => $"-{random.Next(10)}.{Digits(random, random.Next(1, 25))}E{random.Next(-320, 300)}",
        _ => random.NextInt64(1L << 55).ToString(CultureInfo.InvariantCulture),
    };

    private static string WholeText(Random random) =>
        (random.NextInt64() >> random.Next(64)).ToString(CultureInfo.InvariantCulture);

    private static string Digits(Random random, int count)
    {
        // No zero that leads others: JSON has none.
        var digits = new char[count];
        for (var i = 0; i < count; i++)
        {
            digits[i] = (char)('0' + random.Next(i == 0 ? 1 : 0, 10));
        }

        return new string(digits);
    }

    private static float Finite(Random random)
    {
        while (true)
        {
            var value = BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32));
            if (float.IsFinite(value))
            {
                return value;
            }
        }
    }

    private static float Subnormal(Random random) => BitConverter.UInt32BitsToSingle((uint)random.Next(1 << 24));

    // The exact decimal text of the middle between two floats: the hardest there is.
    private static string Halfway(float value) => Halfway(value, out _).ToString("E60", CultureInfo.InvariantCulture);

    private static double Halfway(float value, out float next)
    {
        next = MathF.BitIncrement(MathF.Abs(value));
        return float.IsFinite(next) ? ((double)MathF.Abs(value) + next) / 2 : MathF.Abs(value);
    }

    private static byte[]? Expected(string text, Datatype datatype)
    {
        try
        {
            return datatype switch
            {
                Datatype.Uint8 => [JsonSerializer.Deserialize<byte>(text)],
                Datatype.Int8 => [(byte)JsonSerializer.Deserialize<sbyte>(text)],
                Datatype.Uint16 => BitConverter.GetBytes(JsonSerializer.Deserialize<ushort>(text)),
                Datatype.Int16 => BitConverter.GetBytes(JsonSerializer.Deserialize<short>(text)),
                Datatype.Uint32 => BitConverter.GetBytes(JsonSerializer.Deserialize<uint>(text)),
                Datatype.Int32 => BitConverter.GetBytes(JsonSerializer.Deserialize<int>(text)),
                Datatype.Uint64 => BitConverter.GetBytes(JsonSerializer.Deserialize<ulong>(text)),
                _ => BitConverter.GetBytes(JsonSerializer.Deserialize<long>(text)),
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
