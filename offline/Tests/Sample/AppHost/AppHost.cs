var builder = DistributedApplication.CreateBuilder(args);

var key = builder.AddParameter("admin-key", new GenerateParameterDefault { MinLength = 24, Special = false }, secret: true, persist: true);
var postgres = builder.AddPostgres("postgres").WithDataVolume("postgres-data");
var database = postgres.AddDatabase("inference");
var redis = builder.AddRedis("redis").WithDataVolume("redis-data").WithPersistence();

var api = builder.AddProject<Projects.Sample_Service>("api")
    .WithReference(database).WaitFor(database)
    .WithReference(redis).WaitFor(redis)
    .WithHttpHealthCheck("/health")
    .WithReplicas(2)
    .WithEnvironment("Admin__Key", $"admin_{key}");

builder.AddProject<Projects.Sample_Service>("web", o => o.ExcludeLaunchProfile = true)
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithExternalHttpEndpoints()
    .WithReference(api).WaitFor(api)
    .WithEnvironment("Sample__FailAtStart", () => builder.Configuration["Sample:FailAtStart"] ?? string.Empty);

builder.Build().Run();
