using System.Diagnostics;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace OpenTelemetry.Instrumentation.AspNetCore;

/// <summary>
/// Drops the activities that the filter refuses, at their start, so that nothing below them is recorded either; and adds at their end
/// what .NET 10 does not: route, name and status (opentelemetry.io/docs/specs/semconv/http/http-spans).
/// </summary>
internal sealed class RequestObserver(AspNetCoreTraceInstrumentationOptions options)
    : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string Request = "Microsoft.AspNetCore.Hosting.HttpRequestIn";
    private const string RequestStart = Request + ".Start";
    private const string RequestStop = Request + ".Stop";

    private readonly List<IDisposable> _subscriptions = [];
    private IDisposable? _listeners;

    public RequestObserver Start()
    {
        _listeners = DiagnosticListener.AllListeners.Subscribe(this);
        return this;
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.AspNetCore")
            _subscriptions.Add(value.Subscribe(this, name => name is Request or RequestStart or RequestStop));
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is not HttpContext context || Activity.Current is not { IsAllDataRequested: true } activity) return;
        if (value.Key == RequestStop)
        {
            Complete(activity, context);
        }
        else if (!Keeps(context))
        {
            activity.IsAllDataRequested = false;
            activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        }
    }

    public void OnError(Exception error)
    {
    }

    public void OnCompleted()
    {
    }

    public void Dispose()
    {
        _listeners?.Dispose();
        foreach (var subscription in _subscriptions) subscription.Dispose();
    }

    private bool Keeps(HttpContext context)
    {
        try
        {
            return options.Filter?.Invoke(context) ?? true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private static void Complete(Activity activity, HttpContext context)
    {
        // The exception handler takes the endpoint away from the context.
        var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        var route = endpoint?.Metadata.GetMetadata<IRouteDiagnosticsMetadata>()?.Route;
        if (route is not null) activity.SetTag("http.route", route);

        activity.DisplayName = route is null ? context.Request.Method : $"{context.Request.Method} {route}";
        activity.SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode >= 500 && activity.Status == ActivityStatusCode.Unset) activity.SetStatus(ActivityStatusCode.Error);
    }
}
