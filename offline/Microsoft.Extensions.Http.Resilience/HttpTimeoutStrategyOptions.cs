using Polly.Timeout;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Polly's timeout: 30 s by default.</summary>
public class HttpTimeoutStrategyOptions : TimeoutStrategyOptions;
