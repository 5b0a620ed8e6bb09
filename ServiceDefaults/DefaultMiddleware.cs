using InferenceTemplate.ServiceDefaults.Errors;
using InferenceTemplate.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace InferenceTemplate.ServiceDefaults;

/// <summary>
/// Puts the real caller's address, the correlation id and the error answers around a service's whole pipeline, so that no Program.cs has
/// to remember them or their order.
/// </summary>
internal sealed class DefaultMiddleware : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.UseForwardedHeaders();
        app.UseMiddleware<CorrelationId>();
        app.UseExceptionHandler();
        app.UseStatusCodePages(ErrorResponses.WriteStatusAsync);
        next(app);
    };
}
