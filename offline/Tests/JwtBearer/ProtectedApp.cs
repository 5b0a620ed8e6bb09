using System.Net.Http.Headers;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace Tests.Offline.JwtBearer;

/// <summary>A real server behind JWT bearer authentication: <c>/me</c> wants a caller, <c>/admin</c> a role.</summary>
internal sealed class ProtectedApp(WebApplication app) : IAsyncDisposable
{
    private readonly HttpClient _client = new() { BaseAddress = new Uri(app.Urls.Single()) };

    public static async Task<ProtectedApp> StartAsync(Action<JwtBearerOptions> configure)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer(configure);
        builder.Services.AddAuthorization();
        var app = builder.Build();
        app.UseAuthentication().UseAuthorization();
        app.MapGet("/me", (ClaimsPrincipal user) => string.Join('\n', user.Claims.Select(claim => $"{claim.Type}={claim.Value}")))
            .RequireAuthorization();
        app.MapGet("/token", (HttpContext context, CancellationToken _) => context.GetTokenAsync("access_token")).RequireAuthorization();
        app.MapGet("/admin", () => "in").RequireAuthorization(policy => policy.RequireRole("admin"));
        await app.StartAsync();
        return new ProtectedApp(app);
    }

    /// <summary>Guarded by the secret that <see cref="HandMadeToken"/> signs with.</summary>
    public static Task<ProtectedApp> WithSecretAsync(Action<JwtBearerOptions>? configure = null) => StartAsync(options =>
    {
        options.TokenValidationParameters = new TokenValidationParameters
        {
            IssuerSigningKey = new SymmetricSecurityKey(HandMadeToken.Secret),
            ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
            ValidIssuer = HandMadeToken.Issuer,
            ValidAudience = HandMadeToken.Audience,
            ClockSkew = TimeSpan.Zero,
        };
        configure?.Invoke(options);
    });

    public async Task<HttpResponseMessage> GetAsync(string path, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        return await _client.SendAsync(request);
    }

    public async Task<string[]> ClaimsAsync(string token)
    {
        using var response = await GetAsync("/me", token);
        return (await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync()).Split('\n');
    }

    /// <summary>The status, and what WWW-Authenticate says.</summary>
    public async Task<(int Status, string Challenge)> TryAsync(string? token, string path = "/me")
    {
        using var response = await GetAsync(path, token);
        return ((int)response.StatusCode, response.Headers.WwwAuthenticate.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await app.DisposeAsync();
    }
}
