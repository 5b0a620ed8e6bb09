// A service that says what its AppHost gave it, and that fails on request.
var builder = WebApplication.CreateBuilder(args);
builder.Logging.SetMinimumLevel(LogLevel.Warning);
var app = builder.Build();
if (app.Configuration["Sample:FailAtStart"] is { Length: > 0 } reason)
{
    await Console.Error.WriteLineAsync(reason);
    return 7;
}

app.MapGet("/health", () => "healthy");
app.MapGet("/pid", () => Environment.ProcessId);
app.MapGet("/directory", (IHostEnvironment environment) => environment.ContentRootPath);
app.MapGet("/variables/{name}", (string name) => Environment.GetEnvironmentVariable(name) ?? string.Empty);
app.MapPost("/echo", (HttpRequest request) => Results.Stream(request.Body));
app.Lifetime.ApplicationStopped.Register(() => Console.WriteLine("stopped gracefully"));
await app.RunAsync();
return 0;
