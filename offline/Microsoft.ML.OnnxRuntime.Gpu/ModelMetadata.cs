using static Microsoft.ML.OnnxRuntime.Native.OrtLibrary;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>What a model file says about itself. Texts that are absent are empty.</summary>
public unsafe class ModelMetadata
{
    internal ModelMetadata(nint session)
    {
        Check(Api->SessionGetModelMetadata(session, out var metadata));
        try
        {
            ProducerName = Read(Api->ModelMetadataGetProducerName, metadata);
            GraphName = Read(Api->ModelMetadataGetGraphName, metadata);
            Domain = Read(Api->ModelMetadataGetDomain, metadata);
            Description = Read(Api->ModelMetadataGetDescription, metadata);
            Check(Api->ModelMetadataGetVersion(metadata, out var version));
            Version = version;
            Check(Api->ModelMetadataGetCustomMetadataMapKeys(metadata, DefaultAllocator, out var keys, out var count));
            for (var i = 0; i < count; i++)
            {
                Check(Api->ModelMetadataLookupCustomMetadataMap(metadata, DefaultAllocator, keys[i], out var value));
                CustomMetadataMap[TakeText(keys[i])] = TakeText(value);
            }
            Free(keys);
        }
        finally
        {
            Api->ReleaseModelMetadata(metadata);
        }
    }

    /// <summary>The tool that wrote the file.</summary>
    public string ProducerName { get; }

    public string GraphName { get; }

    /// <summary>A reverse domain name of whoever made the model.</summary>
    public string Domain { get; }

    public string Description { get; }

    public long Version { get; }

    /// <summary>Whatever else the maker wrote, by key.</summary>
    public Dictionary<string, string> CustomMetadataMap { get; } = [];

    private static string Read(delegate* unmanaged<nint, nint, out byte*, nint> function, nint metadata)
    {
        Check(function(metadata, DefaultAllocator, out var text));
        return TakeText(text);
    }
}
