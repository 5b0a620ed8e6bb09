using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>What a model file says about itself. Texts that are absent are empty.</summary>
public unsafe class ModelMetadata
{
    internal ModelMetadata(nint session)
    {
        OrtLibrary.Check(OrtLibrary.Api->SessionGetModelMetadata(session, out var metadata));
        try
        {
            ProducerName = Read(OrtLibrary.Api->ModelMetadataGetProducerName, metadata);
            GraphName = Read(OrtLibrary.Api->ModelMetadataGetGraphName, metadata);
            Domain = Read(OrtLibrary.Api->ModelMetadataGetDomain, metadata);
            Description = Read(OrtLibrary.Api->ModelMetadataGetDescription, metadata);
            OrtLibrary.Check(OrtLibrary.Api->ModelMetadataGetVersion(metadata, out var version));
            Version = version;
            ReadCustom(metadata);
        }
        finally
        {
            OrtLibrary.Api->ReleaseModelMetadata(metadata);
        }
    }

    /// <summary>The tool that wrote the file.</summary>
    public string ProducerName { get; }

    /// <summary>The main graph's name.</summary>
    public string GraphName { get; }

    /// <summary>A reverse domain name of whoever made the model.</summary>
    public string Domain { get; }

    /// <summary>The model's documentation.</summary>
    public string Description { get; }

    /// <summary>The model's own version.</summary>
    public long Version { get; }

    /// <summary>Whatever else the maker wrote, by key.</summary>
    public Dictionary<string, string> CustomMetadataMap { get; } = [];

    private static string Read(delegate* unmanaged<nint, nint, out byte*, nint> function, nint metadata)
    {
        OrtLibrary.Check(function(metadata, OrtLibrary.DefaultAllocator, out var text));
        return OrtLibrary.TakeText(text);
    }

    private void ReadCustom(nint metadata)
    {
        OrtLibrary.Check(OrtLibrary.Api->ModelMetadataGetCustomMetadataMapKeys(metadata, OrtLibrary.DefaultAllocator, out var keys, out var count));
        for (var i = 0; i < count; i++)
        {
            OrtLibrary.Check(OrtLibrary.Api->ModelMetadataLookupCustomMetadataMap(metadata, OrtLibrary.DefaultAllocator, keys[i], out var value));
            CustomMetadataMap[OrtLibrary.TakeText(keys[i])] = OrtLibrary.TakeText(value);
        }
        OrtLibrary.Free(keys);
    }
}
