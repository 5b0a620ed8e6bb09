using InferenceTemplate.AppHost;
using InferenceTemplate.AppHost.Commands;
using InferenceTemplate.AppHost.Lifecycle;
using InferenceTemplate.AppHost.LocalServers;

var builder = DistributedApplication.CreateBuilder(args);

// A name only where it is published: on one machine each folder has volumes of its own, with its own password.
string? Volume(string name) => builder.ExecutionContext.IsPublishMode ? name : null;

var adminSecret = builder.AddSecret(Resources.AdminSecret, length: 40);
var pepper = builder.AddSecret(Resources.ApiKeyPepper, length: 48);
var signingKey = builder.AddSecret(Resources.JwtSigningKey, length: 64);
var directSecret = builder.AddSecret(Resources.DirectSecret, length: 48);

var postgres = builder.AddPostgres(Resources.Postgres, password: builder.AddSecret(Resources.PostgresPassword, length: 32))
    .WithDataVolume(Volume("postgres-data"))
    .WithFirstDatabase(Resources.Database)
    .WithIconName("Server")
    .OrProcess();
var database = postgres.AddDatabase(Resources.Database)
    .WithIconName("Database")
    .WithDatabaseCommands();

var redis = builder.AddRedis(Resources.Redis, password: builder.AddSecret(Resources.RedisPassword, length: 32))
    .WithDataVolume(Volume("redis-data"))
    .WithPersistence()
    .WithoutEviction()
    .WithIconName("Stack")
    .OrProcess();

var api = builder.AddService<Projects.Api>(Resources.Api)
    .WithReference(database).WaitFor(database)
    .WithReference(redis).WaitFor(redis)
    .WithEnvironment("Auth__ApiKeyPepper", pepper)
    .WithEnvironment("Auth__JwtSigningKey", signingKey)
    .WithEnvironment("Auth__AdminSecret", adminSecret)
    .WithEnvironment("Direct__Secret", directSecret)
    .WithExternalHttpEndpoints()
    .WithGrpcEndpoint()
    .WithReplicas(2)
    .WithIconName("CloudFlow")
    .WithPages(("API reference", "/openapi"), ("Health", "/health"));

var worker = builder.AddService<Projects.Worker>(Resources.Worker)
    .WithReference(database).WaitFor(database)
    .WithReference(redis).WaitFor(redis)
    .WithEnvironment("ORT_DISABLE_TELEMETRY", "1")
    .WithEnvironment("Worker__DrainTimeout", Shutdown.DrainTimeout)
    .WithEnvironment("Direct__Secret", directSecret)
    .WithDirectPort()
    .WithIconName("BrainCircuit")
    .WithPages(("Health", "/health"))
    .WithDrainCommand();

var dashboard = builder.AddDashboard(api);

builder.AddDeployment(database);
builder.AddOperations(api, adminSecret);
builder.AddBench();
builder.RequireFreePorts();
builder.StopServicesBeforeServers();
builder.RestartCrashedServices();
builder.AddStartupBanner(api, worker, dashboard, adminSecret);

return await builder.Build().RunToEndAsync();
