using InferenceTemplate.ServiceDefaults.Errors;
using InferenceTemplate.ServiceDefaults.Health;
using InferenceTemplate.ServiceDefaults.Http;
using InferenceTemplate.ServiceDefaults.Proxies;
using InferenceTemplate.ServiceDefaults.Secrets;
using InferenceTemplate.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.ServiceDefaults;

/// <summary>What every service shares: the two calls each Program.cs makes.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>
    /// Adds telemetry (OpenTelemetry logs, metrics and traces; JSON on the console), a correlation id for each request, resilient
    /// HttpClients that find services by name, problem details for errors, the health check <c>self</c>, trust in none but the named
    /// proxies, and the refusal to start with secrets that can be guessed.
    /// </summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddConsoleLogs();
        builder.AddTelemetry();
        builder.Services.AddHttpClientDefaults();
        builder.AddErrorHandling();
        builder.Services.AddHealthDefaults();
        SecretCheck.Add(builder.Services);
        TrustedProxies.Add(builder.Services);
        builder.Services.AddTransient<IStartupFilter, DefaultMiddleware>();
        return builder;
    }

    /// <summary>
    /// Maps, in every environment because probes and scrapers need them: <c>/alive</c> (is the process well), <c>/health</c> (can it
    /// do its work), both one word and open to all; and <c>/metrics</c> for Prometheus, not for whoever comes through a proxy. Where a
    /// background service fails, the process ends with 1.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.ExitWithTheirFailure();
        app.MapHealthEndpoints();
        app.MapPrometheusScrapingEndpoint(
                DefaultPaths.Metrics, meterProvider: null, configureBranchedPipeline: branch => branch.Use(HideFromOutsideAsync),
                optionsName: null)
            .AllowAnonymous().DisableHttpMetrics();
        return app;
    }

    // An ingress hands on whatever path it is asked for, and says for whom; Prometheus asks each replica itself.
    private static Task HideFromOutsideAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Request.Headers;
        if (!headers.ContainsKey("X-Forwarded-For") && !headers.ContainsKey("X-Original-For"))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    /// <summary>
    /// Refuses wrong configuration now. The host does so too, after it has made its background services, whose connections may wait
    /// for a server that is away before anybody reads what is wrong.
    /// </summary>
    public static void ValidateOptions(this WebApplication app) => app.Services.GetService<IStartupValidator>()?.Validate();

    /// <summary>Maps <c>/health/detailed</c>, check by check with errors: the caller says who may see it.</summary>
    public static IEndpointConventionBuilder MapDetailedHealth(this WebApplication app) => app
        .MapHealthChecks(DefaultPaths.HealthDetailed, new HealthCheckOptions { ResponseWriter = DetailedHealth.WriteAsync })
        .DisableHttpMetrics();
}
