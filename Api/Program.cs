using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.OpenInference;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Predictions;
using InferenceTemplate.Api.Scaling;
using InferenceTemplate.Api.Startup;
using InferenceTemplate.Inference;
using InferenceTemplate.Inference.Identity;
using InferenceTemplate.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("inference");
builder.AddRedisClient("redis");
builder.Services.AddInference();
builder.Services.AddApiAuth(builder.Configuration);
builder.Services.AddOpenInference();
builder.Services.AddOverview();
builder.Services.AddPredictions();
builder.Services.AddScaling(builder.Configuration);
builder.Services.AddStartup();

var app = builder.Build();

if (args.Contains("--migrate", StringComparer.Ordinal))
{
    return await app.MigrateAsync();
}

app.UseAuthentication();
app.UseAuthorization();

app.MapDefaultEndpoints(detailed => detailed.RequireAuthorization(Policies.Administer));
app.MapOpenInference();
app.MapAccessTokens();
app.MapOverview();
app.MapScaling();

await app.RunAsync();
return 0;
