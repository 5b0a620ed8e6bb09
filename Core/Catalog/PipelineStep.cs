namespace InferenceTemplate.Core.Catalog;

/// <summary>One step of a pipeline: what it is called there, and the version of a model that it runs.</summary>
public sealed record PipelineStep(string Name, string Model, string Version);
