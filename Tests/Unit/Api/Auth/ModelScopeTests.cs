using System.Security.Claims;
using InferenceTemplate.Api.Auth;

namespace InferenceTemplate.Tests.Unit;

public sealed class ModelScopeTests
{
    [Theory]
    [InlineData(null, null, "digits", true)]
    [InlineData("digits", null, "digits", true)]
    [InlineData("digits", null, "faces", false)]
    [InlineData(null, "digits,faces", "faces", true)]
    [InlineData(null, "digits", "Digits", false)]
    [InlineData("digits,faces", "faces,voices", "faces", true)]
    [InlineData("digits,faces", "faces,voices", "digits", false)]
    [InlineData("digits", "faces", "digits", false)]
    [InlineData(null, "", "digits", false)]
    public void Caller_may_use_what_key_and_tenant_both_allow(string? key, string? tenant, string model, bool expected)
    {
        var identity = new ApiKeyIdentity
        {
            KeyId = Guid.NewGuid(),
            Name = "test",
            Role = Roles.Service,
            Hash = [],
            ExpiresAt = null,
            RevokedAt = null,
            Models = Names(key),
            Tenant = new TenantIdentity("acme", IsSuspended: false, IsDeleted: false, Names(tenant)),
        };

        Assert.Equal(expected, identity.Principal.MayUse(model));
    }

    [Fact]
    public void Caller_without_claims_of_models_may_use_all() =>
        Assert.True(new ClaimsPrincipal(new ClaimsIdentity("test")).MayUse("digits"));

    private static string[]? Names(string? names) => names?.Split(',', StringSplitOptions.RemoveEmptyEntries);
}
