using System.Text;

namespace InferenceTemplate.Tests.Shared;

/// <summary>
/// Requests as nobody means them: valid ones with bytes, words and whole parts changed. The same seed gives the same ones.
/// </summary>
public sealed class Mutations(int seed)
{
    private static readonly byte[][] Words = [.. new[]
    {
        "null", "true", "-1", "0", "1e999", "-0", "01", "1.", ".5", "NaN", "16777217", "4294967296", "9223372036854775808",
        "-9223372036854775809",
        "1e-400", "123456789012345678901234567890", "\"\"", "\"\\ud800\"", "\"\\u0000\"", "\"\\", "{", "}", "[", "]", "[[]]", "{}", ",",
        ":", "\"data\":",
        "\"shape\":[1],", "\"shape\":[16777216],", "\"shape\":[4096,4096],", "\"datatype\":\"BYTES\",", "\"datatype\":\"FP16\",",
        "\"datatype\":\"BOOL\",",
        "\"datatype\":\"INT8\",", "\"inputs\":[],", "\"outputs\":[{\"name\":\"a\"}],", "\"parameters\":{\"binary_data_size\":4294967295},",
        "\"parameters\":{\"binary_data_output\":true},", "\"id\":null,", "\"parameters\":null,", "\uFEFF", "\t", "\0", "/*", "//",
        "[[[[[[[[[[[[[[[[",
    }.Select(Encoding.UTF8.GetBytes)];

    private readonly Random _random = new(seed);

    public (byte[] Body, string? Header) Next(IReadOnlyList<(byte[] Body, string? Header)> seeds)
    {
        var (body, header) = seeds[_random.Next(seeds.Count)];
        var bytes = body.ToList();
        for (var changes = _random.Next(1, 5); changes > 0; changes--)
        {
            Mutate(bytes, seeds);
        }

        return ([.. bytes], _random.Next(8) == 0 ? Header(bytes.Count) : header);
    }

    private void Mutate(List<byte> bytes, IReadOnlyList<(byte[] Body, string? Header)> seeds)
    {
        var at = _random.Next(bytes.Count + 1);
        var length = Math.Min(_random.Next(1, 24), bytes.Count - at);
        switch (_random.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 1 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 2:
                bytes.InsertRange(at, Words[_random.Next(Words.Length)]);
                break;
            case 3:
                // A word in place of a value or a name.
                bytes.RemoveRange(at, length);
                bytes.InsertRange(at, Words[_random.Next(Words.Length)]);
                break;
            case 4:
                bytes.RemoveRange(at, length);
                break;
            case 5:
                bytes.InsertRange(_random.Next(bytes.Count + 1), bytes.GetRange(at, length));
                break;
            case 6:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                // Behind a comma, where a property or an element may stand.
                var comma = at < bytes.Count ? bytes.IndexOf((byte)',', at) : -1;
                var other = seeds[_random.Next(seeds.Count)].Body;
                var from = _random.Next(other.Length);
                bytes.InsertRange(
                    comma < 0 ? at : comma + 1,
                    comma < 0 ? other[from..Math.Min(other.Length, from + 40)] : Words[_random.Next(Words.Length)]);
                break;
        }
    }

    private string Header(int length) => _random.Next(6) switch
    {
        0 => "0",
        1 => $"{length}",
        2 => $"{length + 1}",
        3 => "-1",
        4 => "99999999999999999999",
        _ => $"{_random.Next(length + 1)}",
    };
}
