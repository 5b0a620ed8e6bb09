namespace InferenceTemplate.Worker.Inspection;

/// <summary>The file is not a model that is served here; the message says why, for whoever sent it.</summary>
internal sealed class ModelRefusedException(string reason) : Exception(reason);
