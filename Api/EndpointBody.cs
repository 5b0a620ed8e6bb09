namespace InferenceTemplate.Api;

/// <summary>
/// Metadata of an endpoint that reads its body itself, for whoever documents it. Unlike <c>Accepts</c> it decides nothing: what
/// <c>Content-Type</c> a caller sends is not looked at.
/// </summary>
/// <param name="Type">The form of the body; null where there is none.</param>
/// <param name="Request">An example of it, as JSON.</param>
/// <param name="Response">An example of the success, as JSON.</param>
internal sealed record EndpointBody(Type? Type, string? Request = null, string? Response = null)
{
    /// <summary>Types of media other than JSON that it may come in.</summary>
    public string[] OtherMedia { get; init; } = [];
}

/// <summary>Metadata of an endpoint whose errors have a form of their own.</summary>
internal sealed record EndpointErrors(Type Type);

internal static class EndpointBodyExtensions
{
    public static RouteHandlerBuilder WithBody<T>(
        this RouteHandlerBuilder endpoint, string? request = null, string? response = null, params string[] otherMedia) =>
        endpoint.WithMetadata(new EndpointBody(typeof(T), request, response) { OtherMedia = otherMedia });
}
