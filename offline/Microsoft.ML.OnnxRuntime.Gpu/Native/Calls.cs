using System.Runtime.InteropServices;
using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>The shapes that most functions of the table have: what owns the first argument, the function, the other arguments.</summary>
internal static unsafe class Calls
{
    public static void Call(this SafeHandle owner, delegate* unmanaged<nint, nint> function)
    {
        using var self = new Borrowed(owner);
        Check(function(self.Pointer));
    }

    public static int Call(this SafeHandle owner, delegate* unmanaged<nint, int, nint> function, int value)
    {
        using var self = new Borrowed(owner);
        Check(function(self.Pointer, value));
        return value;
    }

    public static string Call(this SafeHandle owner, delegate* unmanaged<nint, byte*, nint> function, string value)
    {
        using var self = new Borrowed(owner);
        using var text = new Utf8(value);
        Check(function(self.Pointer, text.Pointer));
        return value;
    }

    public static void Call(this SafeHandle owner, delegate* unmanaged<nint, byte*, byte*, nint> function, string key, string value)
    {
        using var self = new Borrowed(owner);
        using var keyText = new Utf8(key);
        using var valueText = new Utf8(value);
        Check(function(self.Pointer, keyText.Pointer, valueText.Pointer));
    }

    public static void Call(this SafeHandle owner, delegate* unmanaged<nint, nint, nint> function, SafeHandle argument)
    {
        using var self = new Borrowed(owner);
        using var other = new Borrowed(argument);
        Check(function(self.Pointer, other.Pointer));
    }

    public static void Call(this SafeHandle owner, delegate* unmanaged<nint, byte*, nint, nint> function, string name, SafeHandle argument)
    {
        using var self = new Borrowed(owner);
        using var text = new Utf8(name);
        using var other = new Borrowed(argument);
        Check(function(self.Pointer, text.Pointer, other.Pointer));
    }

    /// <summary>Provider options go as two parallel arrays of strings.</summary>
    public static void WithPairs(Dictionary<string, string> options, Action<nint, nint, nuint> call)
    {
        nint[] keys = [.. options.Keys.Select(Marshal.StringToCoTaskMemUTF8)];
        nint[] values = [.. options.Values.Select(Marshal.StringToCoTaskMemUTF8)];
        try
        {
            fixed (nint* firstKey = keys, firstValue = values)
                call((nint)firstKey, (nint)firstValue, (nuint)keys.Length);
        }
        finally
        {
            foreach (var text in keys.Concat(values))
                Marshal.FreeCoTaskMem(text);
        }
    }

    public static bool Release(delegate* unmanaged<nint, void> function, nint handle)
    {
        function(handle);
        return true;
    }
}
