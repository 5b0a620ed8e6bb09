using InferenceTemplate.Tests.Scaffold.Rules;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Every subset of the options, and every hostile name with the most and the least of them.</summary>
public sealed class ShapeTests(Template template)
{
    private static readonly IReadOnlyList<(HostileName Name, Choice Choice)> s_cases =
    [
        .. Choice.All.Select((choice, n) => (HostileName.All[n % HostileName.All.Count], choice)),
        .. HostileName.All.Select(name => (name, Choice.Default)),
        .. HostileName.All.Select(name => (name, Choice.Smallest)),
    ];

    private static readonly Task<GeneratedProject>?[] s_projects = new Task<GeneratedProject>?[s_cases.Count];

    public static TheoryData<int, string> Cases => [.. s_cases.Select((each, n) => (n, $"-n '{each.Name.Name}' {each.Choice}"))];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Project_keeps_the_rules(int number, string described)
    {
        var project = await NewAsync(number).WaitAsync(TestContext.Current.CancellationToken);

        var violations = Rule.All.SelectMany(rule => rule(project)).Distinct(StringComparer.Ordinal).ToList();

        Assert.True(violations.Count == 0, $"{described}: {violations.Count} violations\n{string.Join('\n', violations.Take(40))}");
        Assert.Contains("Next steps", project.Said, StringComparison.Ordinal);
        Directory.Delete(project.Root, recursive: true);
    }

    // Cases of a class run one after the other; making projects takes longest, so one more is begun beforehand for each other core.
    private Task<GeneratedProject> NewAsync(int number)
    {
        var wanted = Begin(number);
        var ahead = s_projects.Count(project => project is { IsCompleted: false }) - 1;
        for (var next = 0; next < s_projects.Length && ahead < Environment.ProcessorCount - 1; next++)
        {
            if (s_projects[next] is null)
            {
                _ = Begin(next);
                ahead++;
            }
        }

        return wanted;
    }

    private Task<GeneratedProject> Begin(int number) =>
        s_projects[number] ??= template.NewAsync(s_cases[number].Name, s_cases[number].Choice);
}
