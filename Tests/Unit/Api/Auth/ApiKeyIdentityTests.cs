using InferenceTemplate.Api.Auth;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit;

public sealed class ApiKeyIdentityTests
{
    [Fact]
    public void Key_is_proved_by_itself_alone_also_after_it_was_proved()
    {
        const string Key = "abc_a-secret-of-some-length";
        var hasher = new ApiKeyHasher(Options.Create(new ApiKeyOptions { ApiKeyPepper = "a-pepper-that-is-thirty-two-long" }));
        var identity = new ApiKeyIdentity
        {
            KeyId = Guid.NewGuid(),
            Name = "a",
            Role = "user",
            Hash = hasher.Hash(Key),
            ExpiresAt = null,
            RevokedAt = null,
            Models = null,
            Tenant = new TenantIdentity("t", IsSuspended: false, IsDeleted: false, Models: null),
        };

        foreach (var (key, proves) in ((string, bool)[])
            [("abc_another", false), (Key, true), ("abc_another", false), (Key[..^1], false), (Key + "x", false), ("", false), (Key, true)])
        {
            Assert.Equal(proves, identity.IsProvedBy(key, hasher));
        }
    }
}
