using InferenceTemplate.Web.Components.Console;

namespace InferenceTemplate.Tests.Web;

public class TextPartTests
{
    private const string Hash = FakeConsole.Sha256;

    [Theory]
    [InlineData(null)]
    [InlineData("", "")]
    [InlineData("instead of 0", "instead of 0")]
    [InlineData($"{Hash}", $"#{Hash}")]
    [InlineData($"sha256 {Hash}, 12 bytes", "sha256 ", $"#{Hash}", ", 12 bytes")]
    [InlineData($"{Hash} and {Hash}", $"#{Hash}", " and ", $"#{Hash}")]
    [InlineData($"409: no (trace {FakeConsole.Trace})", "409: no (trace ", $"@{FakeConsole.Trace}", ")")]
    [InlineData($"trace {Hash}", "trace ", $"#{Hash}")]
    [InlineData($"x{FakeConsole.Trace}", $"x{FakeConsole.Trace}")]
    [InlineData("0198f0b4-0000-7000-8000-0000000000b1", "0198f0b4-0000-7000-8000-0000000000b1")]
    public void Hashes_and_traces_are_told_from_the_words_around_them(string? text, params string[] parts) => Assert.Equal(
        parts.Where(part => part.Length > 0),
        TextPart.Of(text).Select(part => part.IsTrace ? $"@{part.Text}" : part.IsHash ? $"#{part.Text}" : part.Text));
}
