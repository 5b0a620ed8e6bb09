using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace OpenTelemetry.Instrumentation.AspNetCore;

/// <summary>Drops the activities that the filter refuses, at their start, so that nothing below them is recorded either.</summary>
internal sealed class RequestFilter(AspNetCoreTraceInstrumentationOptions options)
    : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private const string Request = "Microsoft.AspNetCore.Hosting.HttpRequestIn";
    private const string RequestStart = Request + ".Start";

    private readonly List<IDisposable> _subscriptions = [];
    private IDisposable? _listeners;

    public RequestFilter Start()
    {
        _listeners = DiagnosticListener.AllListeners.Subscribe(this);
        return this;
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.AspNetCore")
            _subscriptions.Add(value.Subscribe(this, name => name is Request or RequestStart));
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Key != RequestStart || value.Value is not HttpContext context || Activity.Current is not { } activity) return;
        if (Keeps(context)) return;

        activity.IsAllDataRequested = false;
        activity.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
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
}
