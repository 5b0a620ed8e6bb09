using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Instrumentation.AspNetCore;

namespace OpenTelemetry.Trace;

/// <summary>Traces requests by the activities that ASP.NET Core itself starts.</summary>
public static class AspNetCoreInstrumentationTracerProviderBuilderExtensions
{
    // .NET 10 can write the semantic conventions' tags by itself, and by default leaves that to an instrumentation package.
    private const string SuppressTags = "Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData";

    public static TracerProviderBuilder AddAspNetCoreInstrumentation(
        this TracerProviderBuilder builder, Action<AspNetCoreTraceInstrumentationOptions>? configureAspNetCoreTraceInstrumentationOptions)
    {
        AppContext.SetSwitch(SuppressTags, false);
        if (configureAspNetCoreTraceInstrumentationOptions is not null)
            builder.ConfigureServices(services => services.Configure(configureAspNetCoreTraceInstrumentationOptions));

        return builder
            .AddSource("Microsoft.AspNetCore")
            .AddSource("Microsoft.AspNetCore.SignalR.Server")
            .AddSource("Microsoft.AspNetCore.Components")
            .AddSource("Microsoft.AspNetCore.Components.Server.Circuits")
            .AddInstrumentation(services =>
                new RequestObserver(services.GetRequiredService<IOptions<AspNetCoreTraceInstrumentationOptions>>().Value).Start());
    }
}
