using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>docs/bring-your-own-model.md is followed to the letter.</summary>
public sealed partial class GuideTests(Platform platform)
{
    private const string Guide = "docs/bring-your-own-model.md";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Guide_works_as_it_is_written()
    {
        using var client = platform.Admin();

        await ShellBlocks.RunAsync(
            Guide,
            new Dictionary<string, string>
            {
                ["API"] = client.BaseAddress!.ToString().TrimEnd('/'),
                ["KEY"] = Platform.AdminKey,
                ["MODEL"] = $"guide-{Guid.NewGuid():N}",
            },
            Cancellation);
    }

    [Fact]
    public async Task Guide_says_of_every_other_block_that_it_is_not_run()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, Guide), Cancellation);

        Assert.All(OtherBlock().Matches(text), block =>
        {
            var paragraph = text[..block.Index].TrimEnd().Split("\n\n")[^1];
            Assert.Contains("not run by the test", paragraph, StringComparison.Ordinal);
        });
    }

    [GeneratedRegex("^```(?!bash$)[a-z]+$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex OtherBlock();
}
