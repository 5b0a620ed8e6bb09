using System.Security.Claims;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Http;

namespace Tests.Offline.JwtBearer;

public sealed class EventTests
{
    [Fact]
    public async Task Message_received_can_take_the_token_from_elsewhere()
    {
        await using var app = await ProtectedApp.WithSecretAsync(options => options.Events = new()
        {
            OnMessageReceived = context =>
            {
                context.Token = context.Request.Query["access_token"];
                return Task.CompletedTask;
            },
        });

        var token = HandMadeToken.Hmac(HandMadeToken.Claims());

        Assert.Equal(200, (await app.TryAsync(token: null, $"/me?access_token={token}")).Status);
        Assert.Equal(200, (await app.TryAsync(token)).Status);
        Assert.Equal(401, (await app.TryAsync(token: null)).Status);
    }

    [Fact]
    public async Task Token_validated_can_add_claims_or_refuse()
    {
        await using var app = await ProtectedApp.WithSecretAsync(options => options.Events = new()
        {
            OnTokenValidated = context =>
            {
                Assert.Equal(HandMadeToken.Issuer, context.SecurityToken.Issuer);
                if (context.Principal!.HasClaim(ClaimTypes.NameIdentifier, "eve"))
                {
                    context.Fail("revoked");
                }

                context.Principal!.AddIdentity(new([new Claim("tenant", "acme")]));
                return Task.CompletedTask;
            },
        });

        Assert.Contains("tenant=acme", await app.ClaimsAsync(HandMadeToken.Hmac(HandMadeToken.Claims())));
        Assert.Equal(
            (401, "Bearer error=\"invalid_token\""), await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("sub", "eve")))));
    }

    [Fact]
    public async Task Authentication_failed_sees_why_and_challenge_can_answer()
    {
        Exception? seen = null;
        await using var app = await ProtectedApp.WithSecretAsync(options => options.Events = new()
        {
            OnAuthenticationFailed = context =>
            {
                seen = context.Exception;
                return Task.CompletedTask;
            },
            OnChallenge = context =>
            {
                Assert.Same(seen, context.AuthenticateFailure);
                context.HandleResponse();
                context.Response.StatusCode = StatusCodes.Status418ImATeapot;
                return Task.CompletedTask;
            },
        });

        Assert.Equal((418, ""), await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims(("exp", 1)))));
        Assert.IsType<Microsoft.IdentityModel.Tokens.SecurityTokenExpiredException>(seen);
    }

    [Fact]
    public async Task Forbidden_is_told_and_subclasses_may_override()
    {
        var events = new CountingEvents();
        await using var app = await ProtectedApp.WithSecretAsync(options => options.Events = events);

        Assert.Equal(403, (await app.TryAsync(HandMadeToken.Hmac(HandMadeToken.Claims()), "/admin")).Status);

        Assert.Equal(1, events.Forbidden403);
    }

    private sealed class CountingEvents : JwtBearerEvents
    {
        public int Forbidden403 { get; private set; }

        public override Task Forbidden(ForbiddenContext context)
        {
            Forbidden403++;
            return base.Forbidden(context);
        }
    }
}
