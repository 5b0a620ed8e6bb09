namespace Microsoft.ML.OnnxRuntime.Native;

/// <summary>The values that one run reads or writes, in the order of their names, kept alive until it is over.</summary>
internal readonly ref struct BorrowedValues : IDisposable
{
    private readonly List<ValueHandle> owners;

    public BorrowedValues(IReadOnlyCollection<OrtValue> values)
    {
        owners = new(values.Count);
        Pointers = new nint[values.Count];
        try
        {
            foreach (var value in values)
            {
                var added = false;
                value.Handle.DangerousAddRef(ref added);
                Pointers[owners.Count] = value.Handle.DangerousGetHandle();
                owners.Add(value.Handle);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public nint[] Pointers { get; }

    public void Dispose()
    {
        foreach (var owner in owners)
            owner.DangerousRelease();
    }
}
