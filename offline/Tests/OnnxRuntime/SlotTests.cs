using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Native;

namespace Tests.Offline.OnnxRuntime;

/// <summary>A wrong slot calls another function with the wrong arguments, so the table is checked before anything is believed.</summary>
public sealed class SlotTests
{
    /// <summary>c-api-slots.txt names the functions of API version 16 in the order in which onnxruntime_c_api.h declares them.</summary>
    [Fact]
    public void Slots_are_where_the_header_declares_them()
    {
        var declared = File.ReadAllLines(Path.Combine(Folder(), "c-api-slots.txt"));
        Assert.Equal(266, declared.Length); // The last one of version 16 is KernelContext_GetResource.

        var used = typeof(OrtApi).GetFields(BindingFlags.Public | BindingFlags.Instance);

        Assert.NotEmpty(used);
        Assert.All(used, field => Assert.Equal(field.Name, declared[Offset(field.Name) / 8]));
    }

    [Fact]
    public void Library_that_is_too_old_is_refused() =>
        Assert.Contains("version 10000", Assert.Throws<NotSupportedException>(() => OrtLibrary.GetApi(10_000)).Message);

    private static int Offset(string name) => (int)Marshal.OffsetOf<OrtApi>(name);

    private static string Folder([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
