using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>Provider options as the C API wants them: two parallel arrays of strings, for the length of one call.</summary>
internal readonly unsafe ref struct Utf8Pairs : IDisposable
{
    private readonly nint[] texts; // The keys, then the values.

    public Utf8Pairs(IReadOnlyDictionary<string, string> pairs) =>
        texts = [.. pairs.Keys.Concat(pairs.Values).Select(Marshal.StringToCoTaskMemUTF8)];

    public nuint Count => (nuint)texts.Length / 2;

    public ReadOnlySpan<nint> Keys => texts.AsSpan(0, texts.Length / 2);

    public ReadOnlySpan<nint> Values => texts.AsSpan(texts.Length / 2);

    public void Dispose()
    {
        foreach (var text in texts)
            Marshal.FreeCoTaskMem(text);
    }
}
