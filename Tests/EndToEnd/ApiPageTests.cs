using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>docs/api.md is followed to the letter, on a platform of its own, since it changes the bundled models.</summary>
public sealed class ApiPageTests(Platform platform) : IClassFixture<Platform>
{
    // By day Tests/Api calls each endpoint that the page names, and runs the guide.
    [Fact, Trait("Tier", "Nightly")]
    public async Task Page_works_as_it_is_written()
    {
        using var client = platform.Admin();

        await ShellBlocks.RunAsync(
            "docs/api.md",
            new Dictionary<string, string> { ["API"] = client.BaseAddress!.ToString().TrimEnd('/'), ["KEY"] = Platform.AdminKey },
            TestContext.Current.CancellationToken);
    }
}
