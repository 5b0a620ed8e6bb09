using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Tests.Offline.JwtBearer;

/// <summary>An OpenID provider's discovery document and key set, on a real port; its key can be changed and it can be broken.</summary>
internal sealed class Authority : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Authority(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public RSA Key { get; private set; } = RSA.Create(2048);

    public ECDsa CurveKey { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string KeyId { get; private set; } = "first";

    public bool Broken { get; set; }

    public int Fetches { get; private set; }

    public static async Task<Authority> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var authority = new Authority(builder.Build());
        authority._app.MapGet("/.well-known/openid-configuration", authority.Metadata);
        authority._app.MapGet("/keys", authority.Keys);
        await authority._app.StartAsync();
        return authority;
    }

    public void ChangeKey(string keyId) => (Key, KeyId) = (RSA.Create(2048), keyId);

    public string Token(params (string Name, object? Value)[] changes) =>
        HandMadeToken.Rsa(HandMadeToken.Claims([("iss", Address), .. changes]), Key, KeyId);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IResult Metadata()
    {
        Fetches++;
        return Broken ? Results.StatusCode(503) : Results.Json(new { issuer = Address, jwks_uri = $"{Address}/keys" });
    }

    private IResult Keys()
    {
        var rsa = Key.ExportParameters(includePrivateParameters: false);
        var curve = CurveKey.ExportParameters(includePrivateParameters: false);
        return Results.Json(new
        {
            keys = new object[]
            {
                new { kty = "RSA", use = "sig", kid = KeyId, n = Base64Url.EncodeToString(rsa.Modulus), e = Base64Url.EncodeToString(rsa.Exponent) },
                new { kty = "EC", use = "sig", kid = "curve", crv = "P-256", x = Base64Url.EncodeToString(curve.Q.X), y = Base64Url.EncodeToString(curve.Q.Y) },
            },
        });
    }
}
