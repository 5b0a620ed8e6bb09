namespace InferenceTemplate.Tests.Scaffold;

/// <summary>One choice among the template's options.</summary>
public sealed record Choice(bool Web, bool Deploy)
{
    public static Choice Default { get; } = new(Web: true, Deploy: true);

    public static Choice Smallest { get; } = new(Web: false, Deploy: false);

    public static IReadOnlyList<Choice> All { get; } = [Default, new(Web: false, Deploy: true), new(Web: true, Deploy: false), Smallest];

    public IReadOnlyList<string> Arguments => [.. Web ? [] : (string[])["--no-web"], .. Deploy ? [] : (string[])["--no-deploy"]];

    public override string ToString() => Arguments.Count == 0 ? "(none)" : string.Join(' ', Arguments);
}
