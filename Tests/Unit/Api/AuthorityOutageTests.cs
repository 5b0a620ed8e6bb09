using InferenceTemplate.Api.Auth;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class AuthorityOutageTests
{
    [Fact]
    public async Task Authority_that_is_down_is_an_outage_and_no_fault_of_the_token()
    {
        var exception = new InvalidOperationException(
            "IDX20803", new IOException("IDX20804", new HttpRequestException("Connection refused")));

        var outage = await Assert.ThrowsAsync<AuthorityUnavailableException>(() => FailAsync(exception));

        Assert.Contains("Connection refused", outage.Message, StringComparison.Ordinal);
    }

    [Fact]
    public Task Token_that_has_expired_is_no_outage() => FailAsync(new SecurityTokenExpiredException("for the test"));

    private static Task FailAsync(Exception exception)
    {
        var options = new JwtBearerOptions();
        AuthorityTokens.Configure(options, Options.Create(new JwtOptions { Authority = "https://login.contoso.com" }));
        var scheme = new AuthenticationScheme(AuthorityTokens.Scheme, null, typeof(JwtBearerHandler));
        return options.Events.AuthenticationFailed(
            new AuthenticationFailedContext(new DefaultHttpContext(), scheme, options) { Exception = exception });
    }
}
