using InferenceTemplate.Api.Inference;

namespace InferenceTemplate.Api.Overview;

/// <summary>On an endpoint whose requests are the traffic that the overview shows.</summary>
internal sealed class CountedAsTraffic;

/// <summary>Counts every request for inference by how it ended, those included that are refused before an endpoint sees them.</summary>
internal static class TrafficMeasurement
{
    /// <summary>To stand before authentication: a refused credential is a request too.</summary>
    public static void UseTrafficMeter(this WebApplication app)
    {
        var (traffic, time) = (app.Services.GetRequiredService<TrafficMeter>(), app.Services.GetRequiredService<TimeProvider>());
        app.Use((context, next) => context.GetEndpoint()?.Metadata.GetMetadata<CountedAsTraffic>() is null
            ? next(context)
            : MeasureAsync(context, next, traffic, time));
    }

    private static async Task MeasureAsync(HttpContext context, RequestDelegate next, TrafficMeter traffic, TimeProvider time)
    {
        var start = time.GetTimestamp();
        traffic.Begin();
        var status = StatusCodes.Status500InternalServerError;
        try
        {
            await next(context);
            status = context.Response.StatusCode;
        }
        finally
        {
            traffic.End(time.GetElapsedTime(start),
                context.RequestAborted.IsCancellationRequested ? InferenceCallResult.ClientClosedRequest : status);
        }
    }
}
