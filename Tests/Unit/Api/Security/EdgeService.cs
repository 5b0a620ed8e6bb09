using InferenceTemplate.Api.Security;
using InferenceTemplate.ServiceDefaults;
using InferenceTemplate.Tests.Unit.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Unit.Api.Security;

/// <summary>The Api's edge with nothing behind it but an endpoint that tells who calls, and one that fails.</summary>
internal sealed class EdgeService(WebApplication app) : IAsyncDisposable
{
    private static readonly HttpClient Client = new();

    public Uri Address => new(app.Urls.First());

    public static async Task<EdgeService> StartAsync(string environment = "Production", params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { EnvironmentName = environment, ApplicationName = Service.Name });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        builder.Services.AddEdge();
        var app = builder.Build();
        app.UseExceptionHandler(failed => failed.Run(context => context.Response.WriteAsync("failed")));
        app.UseEdge();
        app.MapGet("/caller", (HttpContext context) => $"{context.Request.Scheme} {context.Connection.RemoteIpAddress}");
        app.MapGet("/failure", (HttpContext _) => { throw new InvalidOperationException("for the test"); });
        app.MapPost("/refused", (HttpContext context) =>
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return context.Response.WriteAsync("end of refusal");
        });
        app.MapPost("/too-large", async (HttpContext context) =>
        {
            try
            {
                await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            }
            catch (BadHttpRequestException exception)
            {
                context.Response.StatusCode = exception.StatusCode;
                await context.Response.WriteAsync("end of refusal");
            }
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new EdgeService(app);
    }

    public Task<HttpResponseMessage> SendAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, headers);

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(Address, path));
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
