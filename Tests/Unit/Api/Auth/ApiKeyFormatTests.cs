using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Tests.Unit;

public sealed class ApiKeyFormatTests
{
    [Fact]
    public void New_key_is_found_by_its_prefix_and_has_256_bits_behind_it()
    {
        var prefix = ApiKeyFormat.NewPrefix();
        var key = ApiKeyFormat.NewKey(prefix);

        Assert.Equal(prefix, ApiKeyFormat.PrefixOf(key));
        Assert.Matches(@"^[0-9A-Za-z]{12}_[0-9A-Za-z]{43}\z", key);
        Assert.NotEqual(key, ApiKeyFormat.NewKey(prefix));
        Assert.NotEqual(prefix, ApiKeyFormat.NewPrefix());
    }

    [Theory]
    [InlineData("")]
    [InlineData("_secret")]
    [InlineData("nonsense")]
    [InlineData("a23456789012345678901234567890123_secret")]
    public void What_is_no_key_has_no_prefix(string text) => Assert.Null(ApiKeyFormat.PrefixOf(text));
}
