namespace InferenceTemplate.Data.Catalog;

/// <summary>What can be done to a model, as its history names it.</summary>
public static class ModelEventKinds
{
    public const string Uploaded = "uploaded";
    public const string Registered = "registered";
    public const string Ready = "ready";
    public const string Rejected = "rejected";
    public const string Promoted = "promoted";
    public const string RolledBack = "rolled_back";
    public const string AliasMoved = "alias_moved";
    public const string AliasRemoved = "alias_removed";
    public const string Labelled = "labelled";
    public const string SampleSet = "sample_set";
    public const string SampleRemoved = "sample_removed";
    public const string SettingsChanged = "settings_changed";
    public const string Proven = "proven";
    public const string BatchingForced = "batching_forced";
    public const string BatchingEnded = "batching_ended";
    public const string Loaded = "loaded";
    public const string Unloaded = "unloaded";
    public const string BaselineFixed = "baseline_fixed";
    public const string PayloadChanged = "payload_changed";
    public const string Deleted = "deleted";
}
