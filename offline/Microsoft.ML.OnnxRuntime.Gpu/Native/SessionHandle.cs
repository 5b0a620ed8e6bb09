using System.Runtime.InteropServices;

namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>A native session and the names of its inputs and outputs in UTF-8, written once so that a run need not.</summary>
internal sealed unsafe class SessionHandle : SafeHandle
{
    private readonly Dictionary<string, nint> inputs = [];
    private readonly Dictionary<string, nint> outputs = [];

    public SessionHandle(nint session) : base(0, ownsHandle: true) => SetHandle(session);

    public override bool IsInvalid => handle == 0;

    public void AddInput(string name) => inputs.Add(name, Marshal.StringToCoTaskMemUTF8(name));

    public void AddOutput(string name) => outputs.Add(name, Marshal.StringToCoTaskMemUTF8(name));

    public nint[] InputNames(IReadOnlyCollection<string> names) => Lookup(names, inputs, "Input");

    public nint[] OutputNames(IReadOnlyCollection<string> names) => Lookup(names, outputs, "Output");

    protected override bool ReleaseHandle()
    {
        OrtLibrary.Api->ReleaseSession(handle);
        foreach (var name in inputs.Values.Concat(outputs.Values))
            Marshal.FreeCoTaskMem(name);
        return true;
    }

    private static nint[] Lookup(IReadOnlyCollection<string> names, Dictionary<string, nint> known, string role)
    {
        var pointers = new nint[names.Count];
        var i = 0;
        foreach (var name in names)
        {
            pointers[i++] = known.TryGetValue(name, out var pointer)
                ? pointer
                : throw new OnnxRuntimeException(OrtErrorCode.InvalidArgument, $"{role} name: '{name}' is not in the metadata");
        }
        return pointers;
    }
}
