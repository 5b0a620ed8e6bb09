namespace InferenceTemplate.Web.ApiClient;

/// <summary>
/// Where clients reach the Api: <c>PublicApiUrl</c>, or else the endpoint that service discovery was given, which is right on a
/// developer's machine and a cluster-internal name elsewhere.
/// </summary>
internal sealed class PublicApiAddress(IConfiguration configuration)
{
    /// <summary>Without a trailing slash.</summary>
    public string Value { get; } = new[] { "PublicApiUrl", "services:api:https:0", "services:api:http:0" }
        .Select(key => configuration[key])
        .FirstOrDefault(value => !string.IsNullOrWhiteSpace(value), "http://localhost:5100")!
        .TrimEnd('/');
}
