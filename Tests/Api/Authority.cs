using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Api;

/// <summary>An OpenID provider as far as an API sees it: discovery document and keys, on a real port.</summary>
internal sealed class Authority : IAsyncDisposable
{
    private const string KeyId = "first";

    private readonly WebApplication _app;
    private readonly RSA _key = RSA.Create(2048);

    private Authority(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    /// <summary>What everybody may know of the key.</summary>
    public byte[] PublicKey => _key.ExportSubjectPublicKeyInfo();

    public static async Task<Authority> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var authority = new Authority(builder.Build());
        authority._app.MapGet("/.well-known/openid-configuration", () =>
            Results.Json(new { issuer = authority.Address, jwks_uri = $"{authority.Address}/keys" }));
        authority._app.MapGet("/keys", authority.Keys);
        await authority._app.StartAsync();
        return authority;
    }

    /// <summary>A token that is good for an hour, with changes; null takes a claim away.</summary>
    public string Token(params (string Name, object? Value)[] changes) => Token(_key, changes);

    public string Token(RSA key, params (string Name, object? Value)[] changes) => TestTokens.Sign(
        new() { ["alg"] = "RS256", ["kid"] = KeyId }, Claims(changes),
        data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    public Dictionary<string, object> Claims(params (string Name, object? Value)[] changes) => TestTokens.Claims(
        [("iss", Address), ("aud", ProductionApi.Audience), ("sub", "ada"), ("role", "user"), ("org", "default"), .. changes]);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _key.Dispose();
    }

    private IResult Keys()
    {
        var key = _key.ExportParameters(includePrivateParameters: false);
        return Results.Json(new
        {
            keys = new[]
            {
                new { kty = "RSA", use = "sig", kid = KeyId, n = Base64Url.EncodeToString(key.Modulus),
                    e = Base64Url.EncodeToString(key.Exponent) },
            },
        });
    }
}
