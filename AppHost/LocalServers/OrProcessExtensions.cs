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
    /// <summary>
    /// Where no container runtime works, a process of this machine does the work, with its files under <c>.data/</c> (setting <c>Data</c>).
    /// </summary>
    public static IResourceBuilder<PostgresServerResource> OrProcess(this IResourceBuilder<PostgresServerResource> postgres)
    {
        if (!IsNeeded(postgres))
        {
            return postgres;
        }

        var server = new PostgresServer(FolderOf(postgres), postgres.Resource.PasswordParameter);
        postgres.OnThisMachine(server.Require);
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
        redis.OnThisMachine(RedisServer.Require);
        var process = redis.WithoutHttpsCertificate().WithProcess(RedisServer.Command, server.Folder);
        process.WithArgs(context => server.AddArguments(context.Args, process.GetEndpoint("tcp").Property(EndpointProperty.TargetPort)))
            .OnBeforeResourceStarted((_, _, cancellationToken) => server.PrepareAsync(cancellationToken));
        return redis;
    }

    private static bool IsNeeded<T>(IResourceBuilder<T> server)
        where T : IResource =>
        server.ApplicationBuilder.ExecutionContext.IsRunMode && !OperatingSystem.IsWindows() && !ContainerRuntime.Works;

    private static string FolderOf<T>(IResourceBuilder<T> server)
        where T : IResource =>
        Path.Combine(DataOf(server.ApplicationBuilder), server.Resource.Name);

    private static string DataOf(IDistributedApplicationBuilder builder) =>
        Path.GetFullPath(builder.Configuration["Data"] ?? Path.Combine(builder.AppHostDirectory, "..", ".data"));

    /// <summary>Before anything starts: what the server needs of this machine, its folder, and that no other AppHost uses it.</summary>
    private static void OnThisMachine<T>(this IResourceBuilder<T> server, Action require)
        where T : IResource
    {
        var builder = server.ApplicationBuilder;

        // One lock for all servers. The application disposes it, which is after all have stopped.
        builder.Services.TryAddSingleton(_ => new DataFolderLock(DataOf(builder)));
        builder.OnBeforeStart((start, _) =>
        {
            require();
            DataFolderLock.Create(FolderOf(server));
            start.Services.GetRequiredService<DataFolderLock>().Take();
            return Task.CompletedTask;
        });
    }
}
