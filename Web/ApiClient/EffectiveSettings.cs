namespace InferenceTemplate.Web.ApiClient;

/// <summary>What <c>GET /v1/settings</c> answers.</summary>
public sealed record EffectiveSettings(
    IReadOnlyList<RunningService> Services, IReadOnlyList<SettingGroup> Groups, IReadOnlyList<PayloadPolicy> Payloads);

/// <param name="Service"><c>api</c> or <c>worker</c>.</param>
/// <param name="Build">Null for a process of an older build.</param>
public sealed record RunningService(
    string Service, string Id, string Host, DateTimeOffset Started, string? Build, string? OnnxRuntime, string? ExecutionProvider,
    string? Device, IReadOnlyList<string>? Gpus);

/// <param name="Services">Which read them, and need the same values.</param>
public sealed record SettingGroup(string Name, IReadOnlyList<string> Services, IReadOnlyList<Setting> Settings);

/// <param name="Unit"><c>bytes</c>, <c>days</c>, <c>seconds</c>, <c>share</c> or <c>time</c>; null for a number or a word.</param>
/// <param name="Source"><c>default</c>, <c>environment</c>, <c>command_line</c>, <c>build</c>, a file's name, or <c>other</c>.</param>
/// <param name="Variable">The environment variable that sets it; null for what is part of the build.</param>
/// <param name="File">The source file that says it, for what is part of the build.</param>
public sealed record Setting(
    string Key, string What, string Value, string Default, string? Unit, string Source, string? Variable, string? File)
{
    /// <summary>Whether somebody set it to something else than what it is by itself.</summary>
    public bool Differs => Value != Default;
}

/// <param name="Mode"><c>sampled</c> or <c>full</c>.</param>
/// <param name="Sample">The share of requests; null for all.</param>
/// <param name="Redacted">How many tensors are left out.</param>
public sealed record PayloadPolicy(string Model, string Mode, double? Sample, int RetentionDays, int Redacted);
