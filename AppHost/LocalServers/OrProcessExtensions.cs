using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

#pragma warning disable ASPIRECERTIFICATES001 // For evaluation purposes: WithoutHttpsCertificate.

namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>
/// Postgres and Redis as processes, for machines without a container runtime. Nothing else of the topology notices, and what is
/// published never does: the manifest has containers.
/// </summary>
internal static class OrProcessExtensions
{
    /// <summary>Where no container runtime works, a process of this machine does the work, with its files under <c>.data/</c> (setting <c>Data</c>).</summary>
    public static IResourceBuilder<PostgresServerResource> OrProcess(this IResourceBuilder<PostgresServerResource> postgres)
    {
        if (!IsNeeded(postgres))
        {
            return postgres;
        }

        var server = new PostgresServer(FolderOf(postgres), postgres.Resource.PasswordParameter);
        var process = postgres.WithProcess(PostgresServer.Command, server.Folder);
        process.WithArgs(context => server.AddArguments(context.Args, process.GetEndpoint("tcp").Property(EndpointProperty.TargetPort)))
            .OnBeforeResourceStarted((_, _, cancellationToken) => server.PrepareAsync(cancellationToken));
        return postgres;
    }

    /// <inheritdoc cref="OrProcess(IResourceBuilder{PostgresServerResource})"/>
    public static IResourceBuilder<RedisResource> OrProcess(this IResourceBuilder<RedisResource> redis)
    {
        if (!IsNeeded(redis))
        {
            return redis;
        }

        var server = new RedisServer(FolderOf(redis), redis.Resource.PasswordParameter!);
        var process = redis.WithoutHttpsCertificate().WithProcess(server.Command, server.Folder);
        process.WithArgs(context => server.AddArguments(context.Args, process.GetEndpoint("tcp").Property(EndpointProperty.TargetPort)))
            .OnBeforeResourceStarted((_, _, cancellationToken) => server.PrepareAsync(cancellationToken));
        return redis;
    }

    private static bool IsNeeded<T>(IResourceBuilder<T> server)
        where T : IResource =>
        server.ApplicationBuilder.ExecutionContext.IsRunMode && !OperatingSystem.IsWindows() && !ContainerRuntime.Works;

    private static string FolderOf<T>(IResourceBuilder<T> server)
        where T : IResource
    {
        var builder = server.ApplicationBuilder;
        var data = Path.GetFullPath(builder.Configuration["Data"] ?? Path.Combine(builder.AppHostDirectory, "..", ".data"));

        // One lock for all servers, taken before the first one starts. The application disposes it, which is after all have stopped.
        builder.Services.TryAddSingleton(_ => new DataFolderLock(data));
        builder.OnBeforeStart((start, _) =>
        {
            start.Services.GetRequiredService<DataFolderLock>().Take();
            return Task.CompletedTask;
        });
        return DataFolderLock.Create(Path.Combine(data, server.Resource.Name));
    }
}
