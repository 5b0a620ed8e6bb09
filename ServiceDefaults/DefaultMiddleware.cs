using InferenceTemplate.ServiceDefaults.Errors;
using InferenceTemplate.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.ServiceDefaults;

/// <summary>
/// Puts the real caller's address, the correlation id and the error answers around a service's whole pipeline, so that no Program.cs has
/// to remember them or their order.
/// </summary>
internal sealed class DefaultMiddleware(IOptions<ForwardedHeadersOptions> forwarded) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        if (forwarded.Value.ForwardedHeaders != ForwardedHeaders.None)
        {
            app.UseForwardedHeaders();
        }

        app.UseMiddleware<CorrelationId>();
        app.UseExceptionHandler();
        app.Use(ErrorResponses.WriteStatusAsync);
        next(app);
    };
}
