namespace InferenceTemplate.Api;

/// <summary>Metadata of an endpoint: what one sends to it and gets from it, as JSON, for whoever documents it.</summary>
/// <param name="Request">Null where there is no body.</param>
/// <param name="Response">Of the success; null where there is no body.</param>
internal sealed record EndpointExample(string? Request, string? Response = null);
