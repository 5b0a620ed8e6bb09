using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.HttpsPolicy;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Security;

/// <summary>What stands between callers and everything else: limits, headers, other origins.</summary>
internal static class Edge
{
    private static readonly TimeSpan HstsMaxAge = TimeSpan.FromDays(365);

    public static IServiceCollection AddEdge(this IServiceCollection services)
    {
        services.AddOptions<ServerLimits>().BindConfiguration(ServerLimits.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<ServerLimits>>(Limit);

        // An idle connection keeps 4 KiB for it, and each request takes two reads of its socket less.
        services.Configure<SocketTransportOptions>(sockets => sockets.WaitForDataBeforeAllocatingBuffer = false);

        // Before the filters of others, so that their answers arrive too.
        services.TryAddSingleton(TimeProvider.System);
        services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter, LingeringClose>());

        services.AddOptions<CorsSettings>().BindConfiguration(CorsSettings.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<CorsSettings>, CorsSettingsValidator>();
        services.AddSingleton<IConfigureOptions<CorsOptions>, CorsPolicySetup>();
        services.AddCors();

        services.Configure<HstsOptions>(hsts => hsts.MaxAge = HstsMaxAge);
        return services;
    }

    /// <summary>To stand before everything else.</summary>
    public static void UseEdge(this WebApplication app)
    {
        app.UseSecurityHeaders();
        if (!app.Environment.IsDevelopment())
        {
            app.UseHsts();
        }

        if (app.Services.GetRequiredService<IOptions<CorsSettings>>().Value.Origins.Length > 0)
        {
            app.UseCors();
        }
    }

    private static void Limit(KestrelServerOptions kestrel, IOptions<ServerLimits> options)
    {
        var limits = options.Value;
        kestrel.Limits.MaxRequestHeaderCount = limits.HeaderCount;
        kestrel.Limits.MaxRequestHeadersTotalSize = limits.HeaderBytes;
        kestrel.Limits.MaxRequestLineSize = limits.RequestLineBytes;
        kestrel.Limits.RequestHeadersTimeout = limits.HeadersTimeout;
        kestrel.Limits.KeepAliveTimeout = limits.KeepAliveTimeout;
        kestrel.Limits.MaxConcurrentConnections = limits.Connections;
        kestrel.Limits.Http2.MaxStreamsPerConnection = limits.StreamsPerConnection;
        kestrel.Limits.Http2.KeepAlivePingDelay = limits.KeepAlivePing;
    }
}
