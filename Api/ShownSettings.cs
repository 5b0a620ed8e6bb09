namespace InferenceTemplate.Api;

/// <summary>
/// Which of a slice's settings <c>GET /v1/settings</c> tells: those that are named, and no other, so that a new secret stays one. A slice
/// adds it as a singleton.
/// </summary>
/// <param name="Group">The heading under which they stand.</param>
/// <param name="Options">Their options class.</param>
/// <param name="Settings">The properties, and what each is in a few words.</param>
internal sealed record ShownSettings(string Group, Type Options, string Section, params (string Name, string What)[] Settings)
{
    public const string Jobs = "Jobs and batch jobs";
    public const string Retention = "Retention";
}
