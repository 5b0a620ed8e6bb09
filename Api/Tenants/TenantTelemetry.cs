using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using InferenceTemplate.Core.Generation;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Tenants;

/// <summary>
/// Metrics by tenant. The first <see cref="TenantOptions.MetricTenants"/> that a replica sees have a series of their own; the
/// others share one, so that a platform with many tenants does not drown its metrics.
/// </summary>
public sealed class TenantTelemetry
{
    public const string Name = "InferenceTemplate.Tenants";
    public const string Other = "other";

    private static readonly TimeSpan ActiveFor = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, string> _labels = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _seenAt = new(StringComparer.Ordinal);
    private readonly Counter<long> _inferences;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _jobs;
    private readonly Counter<long> _tokens;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _alerts;
    private readonly int _most;
    private readonly TimeProvider _time;
    private int _labelled;

    public TenantTelemetry(IMeterFactory meters, IOptions<TenantOptions> options, TimeProvider time)
    {
        (_most, _time) = (options.Value.MetricTenants, time);
        var meter = meters.Create(Name);
        _inferences = meter.CreateCounter<long>(
            "inference.tenant.inferences", "{inference}", "Inferences of calls, by tenant and outcome.");
        _cost = meter.CreateCounter<double>(
            "inference.tenant.cost", null, "Price of the device's time, by tenant, in the currency that a tag names.");
        _jobs = meter.CreateCounter<long>("inference.tenant.jobs", "{job}", "Jobs that ran, by tenant and outcome.");
        _tokens = meter.CreateCounter<long>(
            "inference.tenant.tokens", "{token}", "Tokens of prompts (input) and generated ones (output), by tenant and type.");
        _refused = meter.CreateCounter<long>("inference.tenant.refused", "{request}", "Requests refused by a limit of their tenant.");
        _alerts = meter.CreateCounter<long>("inference.tenant.budget.alerts", "{alert}", "Tenants that came near or to a monthly limit.");
        meter.CreateObservableGauge(
            "inference.tenants.active", CountActive, "{tenant}", "Tenants that have asked for inferences within five minutes.");
    }

    /// <param name="outcome"><c>succeeded</c>, <c>failed</c> or <c>cached</c>.</param>
    public void Inference(string tenant, string outcome, decimal cost, string currency)
    {
        Seen(tenant);
        _inferences.Add(1, new TagList { { "tenant", LabelOf(tenant) }, { "outcome", outcome } });
        Cost(tenant, cost, currency);
    }

    /// <summary>Jobs of which the sums have been told.</summary>
    public void Jobs(string tenant, long succeeded, long failed)
    {
        Seen(tenant);
        if (succeeded > 0)
        {
            _jobs.Add(succeeded, new TagList { { "tenant", LabelOf(tenant) }, { "outcome", "succeeded" } });
        }

        if (failed > 0)
        {
            _jobs.Add(failed, new TagList { { "tenant", LabelOf(tenant) }, { "outcome", "failed" } });
        }
    }

    public void Cost(string tenant, decimal cost, string currency)
    {
        if (cost > 0)
        {
            _cost.Add((double)cost, new TagList { { "tenant", LabelOf(tenant) }, { "currency", currency } });
        }
    }

    public void Tokens(string tenant, TokenUse tokens)
    {
        if (tokens != default)
        {
            _tokens.Add(tokens.Prompt, new TagList { { "tenant", LabelOf(tenant) }, { "type", "input" } });
            _tokens.Add(tokens.Completion, new TagList { { "tenant", LabelOf(tenant) }, { "type", "output" } });
        }
    }

    /// <param name="reason"><c>rate</c>, <c>concurrency</c>, <c>quota</c>, <c>budget</c>, <c>tokens</c>, <c>suspended</c> or <c>unavailable</c>.</param>
    public void Refused(string tenant, string reason)
    {
        Seen(tenant);
        _refused.Add(1, new TagList { { "tenant", LabelOf(tenant) }, { "reason", reason } });
    }

    /// <param name="level"><c>alert</c> or <c>stop</c>.</param>
    public void BudgetAlert(string tenant, string level) =>
        _alerts.Add(1, new TagList { { "tenant", LabelOf(tenant) }, { "level", level } });

    private void Seen(string tenant) => _seenAt[tenant] = _time.GetTimestamp();

    private string LabelOf(string tenant) => _labels.TryGetValue(tenant, out var label)
        ? label
        : Volatile.Read(ref _labelled) < _most
            ? _labels.GetOrAdd(tenant, name => Interlocked.Increment(ref _labelled) <= _most ? name : Other)
            : Other;

    private int CountActive()
    {
        foreach (var (tenant, at) in _seenAt)
        {
            if (_time.GetElapsedTime(at) > ActiveFor)
            {
                _seenAt.TryRemove(KeyValuePair.Create(tenant, at));
            }
        }

        return _seenAt.Count;
    }
}
