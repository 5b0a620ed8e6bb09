using System.Globalization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Api.Security;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Objectives;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Artifacts;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Settings;

/// <summary>
/// The settings that matter on call, each named here or by its slice: what is not is not shown, so that a new secret stays one. Of
/// addresses only scheme, host and port.
/// </summary>
internal sealed class EffectiveSettings(
    IServiceProvider services, IConfiguration configuration, IEnumerable<ShownSettings> ofSlices)
{
    private const string Build = "build";
    private const string ObjectivesFile = "Core/Objectives/ServiceObjectives.cs";
    private const string ThresholdsFile = "Core/Objectives/Thresholds.cs";

    private static readonly string[] Api = ["api"];
    private static readonly string[] ApiAndWorker = ["api", "worker"];

    public IEnumerable<SettingGroup> Groups() =>
    [
        new("Limits of a request", Api,
        [
            .. Of<LimitOptions>(
                LimitOptions.Section,
                (nameof(LimitOptions.MaxBodyBytes), "Largest body, as sent and once decompressed"),
                (nameof(LimitOptions.MaxElements), "Most elements of a tensor")),
            .. Of<ResponseOptions>(ResponseOptions.Section, (nameof(ResponseOptions.ResponseBytes), "Largest answer; the worker's too")),
            .. Of<ModelUploadOptions>(ModelUploadOptions.Section, (nameof(ModelUploadOptions.MaxUploadBytes), "Largest upload of a model")),
            .. Of<ServerLimits>(
                ServerLimits.Section,
                (nameof(ServerLimits.Connections), "Most connections of a replica"),
                (nameof(ServerLimits.KeepAliveTimeout), "How long a connection may be idle")),
        ]),
        new("Queue", ApiAndWorker,
        [
            .. Of<QueueOptions>(
                QueueOptions.Section,
                (nameof(QueueOptions.MaxDepth), "Most requests of a version that wait or run"),
                (nameof(QueueOptions.MaxBytes), "Most bytes of them"),
                (nameof(QueueOptions.DefaultTimeout), "Timeout of a request that names none"),
                (nameof(QueueOptions.MaxTimeout), "Longest timeout that it may ask for"),
                (nameof(QueueOptions.VisibilityTime), "Silence after which another worker takes a request"),
                (nameof(QueueOptions.MaxDeliveries), "Deliveries before a request becomes a dead letter"),
                (nameof(QueueOptions.MaxDeadLetters), "Most dead letters of a version")),
        ]),
        new("Direct calls", ApiAndWorker,
        [
            .. Of<DirectOptions>(
                DirectOptions.Section,
                (nameof(DirectOptions.Enabled), "Whether calls go straight to workers"),
                (nameof(DirectOptions.HeartbeatInterval), "How often a replica asks each worker whether it is there")),
            Given($"{DirectOptions.Section}:{nameof(DirectOptions.Secret)}", "Without it all calls go through Redis"),
        ]),
        new(ShownSettings.Jobs, ApiAndWorker,
        [
            .. Of<JobOptions>(
                JobOptions.Section,
                (nameof(JobOptions.MaxPendingPerTenant), "Most jobs of a tenant that are queued or running"),
                (nameof(JobOptions.MaxTimeout), "Longest time until a job begins"),
                (nameof(JobOptions.MaxAttempts), "Attempts before a job is dead-lettered"),
                (nameof(JobOptions.Lease), "Silence of a worker after which its jobs go to another"),
                (nameof(JobOptions.Retention), "How long results are kept")),
            .. OfSlices(ShownSettings.Jobs),
        ]),
        new("Tenants without limits of their own", Api,
        [
            .. Of<TenantOptions>(
                TenantOptions.Section,
                (nameof(TenantOptions.RequestsPerMinute), "Requests a minute; 0 for no limit"),
                (nameof(TenantOptions.MaxConcurrency), "Calls at a time; 0 for no limit"),
                (nameof(TenantOptions.MonthlyInferences), "Inferences a month; 0 for no limit"),
                (nameof(TenantOptions.MonthlyTokens), "Tokens a month; 0 for no limit"),
                (nameof(TenantOptions.MonthlyBudget), "What a month may cost; 0 for no limit"),
                (nameof(TenantOptions.AlertAt), "Part of a monthly limit at which an alert is raised"),
                (nameof(TenantOptions.RateLimitWhenUnavailable), "Jobs while Redis is away: refused (Closed) or not counted (Open)")),
        ]),
        new("Prices", ApiAndWorker,
        [
            .. Of<CostOptions>(
                CostOptions.Section,
                (nameof(CostOptions.PricePerDeviceHour), "An hour of a device, where a model names no price; 0 for no cost"),
                (nameof(CostOptions.Currency), "Currency of all prices")),
        ]),
        new(ShownSettings.Retention, Api,
        [
            .. OfSlices(ShownSettings.Retention),
            .. Of<DataRightsOptions>(DataRightsOptions.Section, (nameof(DataRightsOptions.EraseAfter), "Data of a deleted tenant")),
        ]),
        new("Storage, sign-in, drift", Api,
        [
            .. Of<ArtifactOptions>(ArtifactOptions.Section, (nameof(ArtifactOptions.Store), "Where files of models are; the worker's too")),
            .. Of<AuthOptions>(AuthOptions.Section, (nameof(AuthOptions.TokenLifetime), "How long a token lives")),
            .. Of<DriftOptions>(
                DriftOptions.Section,
                (nameof(DriftOptions.RequestsPerSecond), "Requests of a version that a replica looks at in a second"),
                (nameof(DriftOptions.BaselineRequests), "Requests that a baseline is made of")),
        ]),
        new("Telemetry", ApiAndWorker,
        [
            Read("OTEL_EXPORTER_OTLP_ENDPOINT", "Where traces, metrics and logs go (otlpEndpoint of the chart)", "none", AddressOf),
            Read("Telemetry:SampleRatio", "Share of traces that is kept", "1", value => value) with { Unit = "share" },
        ]),
        new("Service objectives", Api,
        [
            Built("Availability", "Requests that do not fail by our fault", ServiceObjectives.Availability, "share", ObjectivesFile),
            Built(
                "Fast", $"Requests that are answered within {Text(ServiceObjectives.FastSeconds)} s", ServiceObjectives.Fast, "share",
                ObjectivesFile),
            Built("Period", "Over which they hold", ServiceObjectives.Period, "time", ObjectivesFile),
            .. ServiceObjectives.Burns.Select(burn => Built(
                $"Burns:P{burn.Priority}:{BurnRule.NameOf(burn.Long)}",
                $"P{burn.Priority}: times too fast, over {BurnRule.NameOf(burn.Long)} and {BurnRule.NameOf(burn.Short)}",
                burn.Rate, unit: null, ObjectivesFile)),
        ]),
        new("Alerts", Api,
        [
            Threshold(nameof(Thresholds.ErrorRate), "Share of requests that fail", at => at.ErrorRate, "share"),
            Threshold(nameof(Thresholds.LatencySeconds), "95th percentile of latency", at => at.LatencySeconds, "seconds"),
            Threshold(nameof(Thresholds.QueueDepth), "Requests that wait or run, of all models", at => at.QueueDepth),
            Threshold(nameof(Thresholds.QueueNearlyFull), "Of one version", at => at.QueueNearlyFull),
            Threshold(nameof(Thresholds.GpuUtilization), "Use of a GPU that is idle while many wait", at => at.GpuUtilization, "share"),
            Threshold(nameof(Thresholds.Memory), "Of a container's memory", at => at.Memory, "share"),
            Threshold(nameof(Thresholds.DiskFree), "Free part of a disk, at least", at => at.DiskFree, "share"),
            Threshold(nameof(Thresholds.VolumeUsed), "Of a volume", at => at.VolumeUsed, "share"),
            Threshold(nameof(Thresholds.DatabaseCpu), "Of the database's processor", at => at.DatabaseCpu, "share"),
            Threshold(
                nameof(Thresholds.ReplicationLagSeconds), "A replica of the database behind the primary", at => at.ReplicationLagSeconds,
                "seconds"),
            Threshold(nameof(Thresholds.CacheHitRate), "Hits of the response cache, at least", at => at.CacheHitRate, "share"),
        ]),
    ];

    private IEnumerable<SettingView> OfSlices(string group) =>
        ofSlices.Where(shown => shown.Group == group).SelectMany(Of);

    private IEnumerable<SettingView> Of<T>(string section, params (string Name, string What)[] shown)
        where T : class, new() => Of(new ShownSettings("", typeof(T), section, shown));

    private IEnumerable<SettingView> Of(ShownSettings shown)
    {
        var now = ((IOptions<object>)services.GetRequiredService(typeof(IOptions<>).MakeGenericType(shown.Options))).Value;
        var usual = Activator.CreateInstance(shown.Options);
        foreach (var (name, what) in shown.Settings)
        {
            var property = shown.Options.GetProperty(name)!;
            var key = $"{shown.Section}:{name}";
            yield return new(
                key, what, Text(property.GetValue(now)), Text(property.GetValue(usual)), UnitOf(property.Name, property.PropertyType),
                SourceOf(key), VariableOf(key), File: null);
        }
    }

    /// <summary>Whether there is a value, of one that is not to be told.</summary>
    private SettingView Given(string key, string what) =>
        Read(key, what, "missing", _ => "given");

    private SettingView Read(string key, string what, string otherwise, Func<string, string> shown) => new(
        key, what, configuration[key] is { Length: > 0 } value ? shown(value) : otherwise, otherwise, Unit: null, SourceOf(key),
        VariableOf(key), File: null);

    private static SettingView Threshold(string name, string what, Func<Thresholds, object> value, string? unit = null) =>
        Built(name, what, value(Thresholds.Default), unit, ThresholdsFile);

    private static SettingView Built(string name, string what, object value, string? unit, string file) =>
        new(name, what, Text(value), Text(value), unit, Build, Variable: null, file);

    // The last provider that has a value is the one whose value counts.
    private string SourceOf(string key) =>
        (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider => provider.TryGet(key, out _)) switch
        {
            null => "default",
            EnvironmentVariablesConfigurationProvider => "environment",
            CommandLineConfigurationProvider => "command_line",
            JsonConfigurationProvider { Source.Path: { } path } => Path.GetFileName(path),
            _ => "other",
        };

    private static string VariableOf(string key) => key.Replace(":", "__", StringComparison.Ordinal);

    private static string AddressOf(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Host.Length > 0 ? $"{uri.Scheme}://{uri.Authority}" : "not an address";

    private static string? UnitOf(string name, Type type) =>
        type == typeof(TimeSpan) ? "time"
        : name.EndsWith("Bytes", StringComparison.Ordinal) ? "bytes"
        : name.EndsWith("Days", StringComparison.Ordinal) ? "days"
        : name == nameof(TenantOptions.AlertAt) ? "share"
        : null;

    private static string Text(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        TimeSpan span => span.ToString("c", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
