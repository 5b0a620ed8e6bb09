using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.Tests.Unit.Api;

/// <summary>The Api's own pipeline and endpoints, without servers behind it and with an admin before it.</summary>
public sealed class ApiInProcess : WebApplicationFactory<InferenceTemplate.Api.Auth.AuthOptions>
{
    // The factory starts the Api with its first use, and its endpoints are known only then.
    public IReadOnlyList<RouteEndpoint> Endpoints =>
        [.. Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()];

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseContentRoot(AppContext.BaseDirectory);
        foreach (var (key, value) in (IEnumerable<(string, string)>)
        [
            ("ConnectionStrings:inference", "Host=unused"),
            ("ConnectionStrings:redis", "unused:1,abortConnect=false"),
            ("Auth:ApiKeyPepper", new string('p', 48)),
            ("Auth:JwtSigningKey", new string('j', 48)),
            ("Auth:AdminSecret", new string('a', 48)),
        ])
        {
            builder.UseSetting(key, value);
        }

        builder.ConfigureTestServices(services =>
        {
            // Whatever works in the background needs the servers; the web host itself is added later.
            foreach (var worker in services.Where(
                s => s.ServiceType == typeof(IHostedService) && s.ImplementationType?.Name != "GenericWebHostService").ToList())
            {
                services.Remove(worker);
            }

            services.AddSingleton<IAuthenticationService, EverybodyIsAdmin>();
        });
    }

    private sealed class EverybodyIsAdmin : IAuthenticationService
    {
        private static readonly ClaimsPrincipal Admin = new(new ClaimsIdentity(
            [
                new(InferenceClaims.Name, "test"),
                new(InferenceClaims.Role, Roles.Admin),
                new(InferenceClaims.Tenant, "default"),
                new(InferenceClaims.KeyId, "test"),
            ],
            "test",
            InferenceClaims.Name,
            InferenceClaims.Role));

        public Task<AuthenticateResult> AuthenticateAsync(HttpContext context, string? scheme) =>
            Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(Admin, scheme ?? "test")));

        public Task ChallengeAsync(HttpContext context, string? scheme, AuthenticationProperties? properties) => Task.CompletedTask;

        public Task ForbidAsync(HttpContext context, string? scheme, AuthenticationProperties? properties) => Task.CompletedTask;

        public Task SignInAsync(HttpContext context, string? scheme, ClaimsPrincipal principal, AuthenticationProperties? properties) =>
            Task.CompletedTask;

        public Task SignOutAsync(HttpContext context, string? scheme, AuthenticationProperties? properties) => Task.CompletedTask;
    }
}
