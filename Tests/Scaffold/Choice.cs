namespace InferenceTemplate.Tests.Scaffold;

/// <summary>One choice among the template's options.</summary>
public sealed record Choice(bool Web, bool Cuda, bool Samples, bool Deploy, bool Offline)
{
    public static Choice Default { get; } = new(Web: true, Cuda: true, Samples: true, Deploy: true, Offline: false);

    public static Choice Smallest { get; } = new(Web: false, Cuda: false, Samples: false, Deploy: false, Offline: false);

    public static IReadOnlyList<Choice> All { get; } =
        [.. Enumerable.Range(0, 32).Select(n => new Choice((n & 1) == 0, (n & 2) == 0, (n & 4) == 0, (n & 8) == 0, (n & 16) == 0))];

    public IReadOnlyList<string> Arguments =>
    [
        .. Web ? [] : (string[])["--no-web"],
        .. Cuda ? [] : (string[])["--gpu", "none"],
        .. Samples ? [] : (string[])["--no-samples"],
        .. Deploy ? [] : (string[])["--no-deploy"],
        .. Offline ? ["--offline", "true"] : Array.Empty<string>(),
    ];

    public override string ToString() => Arguments.Count == 0 ? "(none)" : string.Join(' ', Arguments);
}
