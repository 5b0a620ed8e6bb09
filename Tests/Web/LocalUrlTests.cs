using InferenceTemplate.Web.SignIn;

namespace InferenceTemplate.Tests.Web;

public class LocalUrlTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/models?sort=name#top")]
    public void LocalUrl_keeps_a_path_of_this_site(string url) => Assert.Equal(url, LocalUrl.OrHome(url));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("models")]
    [InlineData("https://example.org/")]
    [InlineData("//example.org")]
    [InlineData("/\\example.org")]
    [InlineData("\\\\example.org")]
    [InlineData("/\n/example.org")]
    [InlineData("/\t/example.org")]
    [InlineData(" //example.org")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/sign-in?returnUrl=/")]
    public void LocalUrl_is_home_for_another_site_and_for_the_sign_in_page(string? url) => Assert.Equal("/", LocalUrl.OrHome(url));
}
