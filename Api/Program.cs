using InferenceTemplate.Api.Admin;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Batches;
using InferenceTemplate.Api.Idempotency;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Api.OpenInference;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Predictions;
using InferenceTemplate.Api.Queues;
using InferenceTemplate.Api.Scaling;
using InferenceTemplate.Api.Startup;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Inference;
using InferenceTemplate.Inference.Identity;
using InferenceTemplate.ServiceDefaults;

if (args is [AdminCommands.Verb, .. var command])
{
    return await AdminCommands.RunAsync(command);
}

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("inference");
builder.AddRedisClient("redis");
builder.Services.AddInference();
builder.Services.AddApiAuth(builder.Configuration);
builder.Services.AddOpenInference();
builder.Services.AddQueues();
builder.Services.AddModels();
builder.Services.AddJobsApi();
builder.Services.AddBatches();
builder.Services.AddIdempotency();
builder.Services.AddOverview();
builder.Services.AddPredictions();
builder.Services.AddTraffic();
builder.Services.AddScaling(builder.Configuration);
builder.Services.AddStartup();

var app = builder.Build();

if (args.Contains("--migrate", StringComparer.Ordinal))
{
    return await app.MigrateAsync();
}

app.UseAuthentication();
app.UseAuthorization();
app.UseIdempotency();

app.MapDefaultEndpoints(detailed => detailed.RequireAuthorization(Policies.Administer));
app.MapOpenInference();
app.MapModels();
app.MapAccessTokens();
app.MapTraffic();
app.MapQueues();
app.MapJobs();
app.MapBatches();
app.MapOverview();
app.MapScaling();

await app.RunAsync();
return 0;
