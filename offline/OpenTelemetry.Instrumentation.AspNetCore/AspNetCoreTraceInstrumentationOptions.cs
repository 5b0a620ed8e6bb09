using Microsoft.AspNetCore.Http;

namespace OpenTelemetry.Instrumentation.AspNetCore;

/// <summary>What of the incoming requests is traced.</summary>
public class AspNetCoreTraceInstrumentationOptions
{
    /// <summary>False, or an exception, drops the request's activity and with it its children. Default: null, everything is kept.</summary>
    public Func<HttpContext, bool>? Filter { get; set; }
}
