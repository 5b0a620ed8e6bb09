namespace InferenceTemplate.Tests.Scaffold;

/// <summary>One choice among the template's options.</summary>
public sealed record Choice(bool Web, bool Cuda, bool Samples, bool Deploy)
{
    public static Choice Default { get; } = new(Web: true, Cuda: true, Samples: true, Deploy: true);

    public static Choice Smallest { get; } = new(Web: false, Cuda: false, Samples: false, Deploy: false);

    public static IReadOnlyList<Choice> All { get; } =
        [.. Enumerable.Range(0, 16).Select(n => new Choice((n & 1) == 0, (n & 2) == 0, (n & 4) == 0, (n & 8) == 0))];

    public IReadOnlyList<string> Arguments =>
    [
        .. Web ? [] : (string[])["--no-web"],
        .. Cuda ? [] : (string[])["--gpu", "none"],
        .. Samples ? [] : (string[])["--no-samples"],
        .. Deploy ? [] : (string[])["--no-deploy"],
    ];

    public override string ToString() => Arguments.Count == 0 ? "(none)" : string.Join(' ', Arguments);
}
