using InferenceTemplate.AppHost;
//#if (deploy)
using InferenceTemplate.AppHost.Kubernetes;
//#endif
using InferenceTemplate.AppHost.LocalServers;

var builder = DistributedApplication.CreateBuilder(args);

var adminSecret = builder.AddSecret(Resources.AdminSecret, length: 40);
var pepper = builder.AddSecret(Resources.ApiKeyPepper, length: 48);
var signingKey = builder.AddSecret(Resources.JwtSigningKey, length: 64);

var postgres = builder.AddPostgres(Resources.Postgres, password: builder.AddSecret(Resources.PostgresPassword, length: 32))
    .WithDataVolume("postgres-data")
    .OrProcess();
var database = postgres.AddDatabase(Resources.Database);

var redis = builder.AddRedis(Resources.Redis, password: builder.AddSecret(Resources.RedisPassword, length: 32))
    .WithDataVolume("redis-data")
    .WithPersistence()
    .OrProcess();

var api = builder.AddService<Projects.Api>(Resources.Api)
    .WithReference(database).WaitFor(database)
    .WithReference(redis).WaitFor(redis)
    .WithEnvironment("Auth__ApiKeyPepper", pepper)
    .WithEnvironment("Auth__JwtSigningKey", signingKey)
    .WithEnvironment("Auth__AdminSecret", adminSecret)
    .WithExternalHttpEndpoints()
    .WithReplicas(2);

var worker = builder.AddService<Projects.Worker>(Resources.Worker)
    .WithReference(database).WaitFor(database)
    .WithReference(redis).WaitFor(redis)
    .WithEnvironment("Auth__ApiKeyPepper", pepper)
    .WithEnvironment("ORT_DISABLE_TELEMETRY", "1")
    .WithEnvironment("Worker__DrainTimeout", Shutdown.DrainTimeout);

//#if (web)
var web = builder.AddService<Projects.Web>(Resources.Web)
    .WithReference(api).WaitFor(api)
    .WithExternalHttpEndpoints();

//#endif
//#if (deploy)
builder.AddHelmChart();

//#endif
builder.AddWelcome(
    //#if (web)
    web,
    //#endif
    api,
    worker,
    adminSecret);

builder.Build().Run();
