using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Environments;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

/// <summary>Postgres and Redis as the chart runs them: one pod each, restarted in place.</summary>
internal static class ServerPods
{
    private const int RedisPort = 6379;
    private const int PostgresPort = 5432;

    // A database that was not shut down reads its log again before it answers.
    private const int StartupFailures = 120;

    public static IResourceBuilder<PostgresServerResource> WithServerPod(this IResourceBuilder<PostgresServerResource> builder, DeploySettings settings) => builder
        .WithSize(settings.Environment.Postgres)
        .WithRestrictions(Restrictions.Postgres)
        .WithTermination(120)
        .WithClaim(settings.Environment.PostgresGibibytes, settings.StorageClass)
        .WithServerProbes(PostgresPort, "pg_isready", "--host=127.0.0.1", "--username=postgres")
        .WithStableName();

    public static IResourceBuilder<RedisResource> WithServerPod(this IResourceBuilder<RedisResource> builder, DeploySettings settings) => builder
        .WithSize(settings.Environment.Redis)
        .WithRestrictions(Restrictions.Redis)
        .WithTermination(60)
        .WithClaim(settings.Environment.RedisGibibytes, settings.StorageClass)
        .WithServerProbes(RedisPort, "/bin/sh", "-c", $"REDISCLI_AUTH=$REDIS_PASSWORD redis-cli{(settings.Tls ? $" --tls --cacert {ServerTls.Folder}/ca.crt" : "")} ping | grep -q PONG")
        .WithStableName();

    /// <summary>Restarted only when nothing listens any more; out of service while the server itself says that it is not ready.</summary>
    private static IResourceBuilder<T> WithServerProbes<T>(this IResourceBuilder<T> builder, int port, params string[] ready)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            var container = published.Workload!.PodTemplate.Spec.Containers[0];
            container.StartupProbe = Probe(periodSeconds: 2, StartupFailures);
            container.StartupProbe.Exec = Command(ready);
            container.ReadinessProbe = Probe(periodSeconds: 5, failures: 3);
            container.ReadinessProbe.Exec = Command(ready);
            container.LivenessProbe = Probe(periodSeconds: 10, failures: 6);
            container.LivenessProbe.TcpSocket = new TcpSocketActionV1 { Port = port };
        });

    private static IResourceBuilder<T> WithStableName<T>(this IResourceBuilder<T> builder)
        where T : IComputeResource => builder.WithDisruptionBudget().PublishAsKubernetesService(published =>
        {
            var set = (StatefulSet)published.Workload!;
            set.Spec.ServiceName = published.Service!.Metadata.Name;

            // Its data is elsewhere, but moving it stops everything: not for the sake of a node's cost.
            set.PodTemplate.Metadata.Annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false";
        });

    private static ProbeV1 Probe(int periodSeconds, int failures) =>
        new() { PeriodSeconds = periodSeconds, TimeoutSeconds = 3, FailureThreshold = failures };

    private static ExecActionV1 Command(string[] words)
    {
        var action = new ExecActionV1();
        action.Command.AddRange(words);
        return action;
    }
}
