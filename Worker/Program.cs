using InferenceTemplate.Core;
using InferenceTemplate.Data;
using InferenceTemplate.ServiceDefaults;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Inspection;

if (args is [InspectionChild.Verb, var file, var limits, .. var sample])
{
    return InspectionChild.Run(file, limits, sample.FirstOrDefault());
}

var builder = WebApplication.CreateBuilder(args);

TelemetryGuard.Check(builder.Configuration);

builder.AddServiceDefaults();
builder.AddNpgsqlDataSource("inference", configureDataSourceBuilder: PrimaryOnly.RequirePrimary);
builder.AddRedisClient("redis");
builder.Services.AddCore();
builder.Services.AddData();
builder.Services.AddWorker();

var app = builder.Build();

app.ValidateOptions();
app.MapDefaultEndpoints();

await app.RunAsync();
GenerationModel.ShutDown();
return 0;
