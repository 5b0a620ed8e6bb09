using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Idempotency;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class AnswerSealTests
{
    private static readonly byte[] Scope = SHA256.HashData("scope"u8);

    [Fact]
    public void Answer_is_opened_by_its_own_key_and_pepper_alone()
    {
        var kept = Seal("pepper").Seal("order-17", Scope, new() { ["Location"] = ["/v1/jobs/1"] }, "a secret"u8);

        var (headers, body) = Seal("pepper").Open("order-17", Scope, kept);

        Assert.Equal("/v1/jobs/1", Assert.Single(headers["Location"]));
        Assert.Equal("a secret", Encoding.UTF8.GetString(body));
        Assert.DoesNotContain("secret", Encoding.Latin1.GetString(kept), StringComparison.Ordinal);
        Assert.ThrowsAny<CryptographicException>(() => Seal("pepper").Open("order-18", Scope, kept));
        Assert.ThrowsAny<CryptographicException>(() => Seal("pepper").Open("order-17", SHA256.HashData("other"u8), kept));
        Assert.ThrowsAny<CryptographicException>(() => Seal("other").Open("order-17", Scope, kept));
    }

    private static AnswerSeal Seal(string pepper) => new(Options.Create(new ApiKeyOptions { ApiKeyPepper = pepper }));
}
