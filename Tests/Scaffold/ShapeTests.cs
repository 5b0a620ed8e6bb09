using InferenceTemplate.Tests.Scaffold.Rules;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Every subset of the options, and every hostile name with the most and the least of them.</summary>
public sealed class ShapeTests(Template template)
{
    private static readonly IReadOnlyList<(HostileName Name, Choice Choice)> s_cases =
    [
        .. Choice.All.Select((choice, n) => (HostileName.All[n % HostileName.All.Count], choice)),
        .. HostileName.All.Select(name => (name, Choice.Default)),
        .. HostileName.All.Select(name => (name, Choice.Smallest with { Offline = true })),
    ];

    private static Task<GeneratedProject>[]? s_projects;

    public static TheoryData<int, string> Cases => [.. s_cases.Select((each, n) => (n, $"-n '{each.Name.Name}' {each.Choice}"))];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Project_keeps_the_rules(int number, string described)
    {
        // All are begun by whoever comes first, so that there is always one for each core.
        var cancellation = TestContext.Current.CancellationToken;
        s_projects ??= [.. s_cases.Select(each => template.NewAsync(each.Name, each.Choice, CancellationToken.None))];
        var project = await s_projects[number].WaitAsync(cancellation);

        var violations = Rule.All.SelectMany(rule => rule(project)).Distinct(StringComparer.Ordinal).ToList();

        Assert.True(violations.Count == 0, $"{described}: {violations.Count} violations\n{string.Join('\n', violations.Take(40))}");
        Assert.Contains("Next steps", project.Said, StringComparison.Ordinal);
        Directory.Delete(project.Root, recursive: true);
    }
}
