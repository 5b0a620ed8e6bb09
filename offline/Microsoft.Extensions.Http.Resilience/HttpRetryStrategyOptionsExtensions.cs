using System.Diagnostics.CodeAnalysis;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Keeps retries off the methods that a server may not repeat safely.</summary>
[Experimental("EXTEXP0001", UrlFormat = "https://aka.ms/dotnet-extensions-warnings/{0}")]
public static class HttpRetryStrategyOptionsExtensions
{
    public static void DisableForUnsafeHttpMethods(this HttpRetryStrategyOptions options)
    {
        var shouldHandle = options.ShouldHandle;
        options.ShouldHandle = async args =>
            await shouldHandle(args) && !IsUnsafe(args.Outcome.Result?.RequestMessage ?? ResilienceHandler.RequestOf(args.Context));
    }

    private static bool IsUnsafe(HttpRequestMessage? request) => request is not null
        && (request.Method == HttpMethod.Post || request.Method == HttpMethod.Put || request.Method == HttpMethod.Patch
            || request.Method == HttpMethod.Delete || request.Method == HttpMethod.Connect);
}
