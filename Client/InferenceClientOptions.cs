namespace InferenceTemplate.Client;

/// <summary>Where the platform is, and who calls.</summary>
public sealed class InferenceClientOptions
{
    /// <summary>The platform's address, required. <c>https+http://api</c> is for programs with service discovery.</summary>
    public Uri? BaseAddress { get; set; }

    /// <summary>
    /// Where the platform speaks gRPC, <c>http://</c> or <c>https://</c>: models are called there, all else goes to
    /// <see cref="BaseAddress"/>. Null: they are called by REST.
    /// </summary>
    public Uri? GrpcAddress { get; set; }

    /// <summary>An API key or a token: printable ASCII characters. Null where a handler of your own adds credentials.</summary>
    public string? ApiKey { get; set; }
}
