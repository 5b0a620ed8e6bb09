namespace InferenceTemplate.Worker.ModelCache;

/// <summary>One version of a model.</summary>
internal readonly record struct ModelKey(string Model, string Version)
{
    public override string ToString() => $"{Model}/{Version}";
}
