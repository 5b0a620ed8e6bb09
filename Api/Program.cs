using InferenceTemplate.Api;
using InferenceTemplate.Api.Admin;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.BatchJobs;
using InferenceTemplate.Api.Chat;
using InferenceTemplate.Api.DataRights;
using InferenceTemplate.Api.Direct;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Embeddings;
using InferenceTemplate.Api.Features;
using InferenceTemplate.Api.Grpc;
using InferenceTemplate.Api.Idempotency;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Api.Keys;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Mcp;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Api.OpenApi;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Payloads;
using InferenceTemplate.Api.Predictions;
using InferenceTemplate.Api.Queues;
using InferenceTemplate.Api.Requests;
using InferenceTemplate.Api.Retention;
using InferenceTemplate.Api.Scaling;
using InferenceTemplate.Api.Security;
using InferenceTemplate.Api.Settings;
using InferenceTemplate.Api.Startup;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Api.Usage;
using InferenceTemplate.Api.Workers;
using InferenceTemplate.Data;
using InferenceTemplate.ServiceDefaults;

if (args is [AdminCommands.Verb, .. var command])
{
    return await AdminCommands.RunAsync(command);
}

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("inference", configureDataSourceBuilder: PrimaryOnly.RequirePrimary);
builder.AddRedisClient("redis");
builder.Services.AddSlices();
builder.Services.AddEdge();
builder.Services.AddApiAuth(builder.Configuration);
builder.Services.AddLimits();
builder.Services.AddOpenInference();
builder.Services.AddGrpcInference();
builder.Services.AddMcp();
builder.Services.AddOpenAi();
builder.Services.AddEmbeddings();
builder.Services.AddChat();
builder.Services.AddDirectCalls();
builder.Services.AddQueues();
builder.Services.AddModels();
builder.Services.AddJobsApi();
builder.Services.AddBatches();
builder.Services.AddIdempotency();
builder.Services.AddOverview();
builder.Services.AddPredictions();
builder.Services.AddTraffic();
builder.Services.AddDrift();
builder.Services.AddPayloads();
builder.Services.AddDataRights();
builder.Services.AddScaling(builder.Configuration);
builder.Services.AddEffectiveSettings();
builder.Services.AddOpenApiDocument();
builder.Services.AddStartup();

var app = builder.Build();

if (args.Contains("--migrate", StringComparer.Ordinal))
{
    return await app.MigrateAsync();
}

var listsEndpoints = args.Contains("--endpoints", StringComparer.Ordinal);
if (!listsEndpoints)
{
    app.ValidateOptions();
}

app.UseEdge();
app.UseTrafficMeter();
app.UseAccess();
app.UseModelAccess();
app.UseKnownQueries();
app.UseIdempotency();

app.MapDefaultEndpoints();
app.MapDetailedHealth().RequireAuthorization(Policies.Administer);
app.MapOpenInference();
app.MapGrpcInference();
app.MapMcpTools();
app.MapEmbeddings();
app.MapChat();
app.MapModels();
app.MapAccessTokens();
app.MapKeys();
app.MapTraffic();
app.MapDrift();
app.MapQueues();
app.MapWorkers();
app.MapJobs();
app.MapBatches();
app.MapOverview();
app.MapAudit();
app.MapDataRights();
app.MapRetention();
app.MapFeatures();
app.MapScaling();
app.MapTenants();
app.MapUsage();
app.MapRequests();
app.MapPayloads();
app.MapEffectiveSettings();
app.MapOpenApiDocument();

if (listsEndpoints)
{
    return app.WriteEndpoints();
}

app.CheckEndpoints();
await app.RunAsync();
return Environment.ExitCode;
