using Aspire.Hosting.Kubernetes;
using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

internal static class CloudNativePg
{
    private const string Owner = Resources.Database;
    private const string Login = $"{Resources.Postgres}-login";

    /// <summary>
    /// Has the CloudNativePG operator run Postgres: a primary, replicas that take over, TLS by its own authority. Its Services are
    /// <c>postgres-rw</c> (the primary), <c>-ro</c> and <c>-r</c>; the product's user owns its database and is no superuser.
    /// </summary>
    public static void UseCloudNativePg(
        this IResourceBuilder<PostgresServerResource> postgres, DeploySettings settings, params IResourceBuilder<ProjectResource>[] users)
    {
        foreach (var mount in postgres.Resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
        {
            postgres.Resource.Annotations.Remove(mount);
        }

        postgres
            .WithEnvironment(context =>
            {
                foreach (var name in context.EnvironmentVariables.Keys.Where(name => name != "POSTGRES_PASSWORD").ToList())
                {
                    context.EnvironmentVariables.Remove(name);
                }
            })
            .PublishAsKubernetesService(published =>
            {
                (published.Workload, published.Service, published.ConfigMap) = (null, null, null);
                SetLogin(published, settings);
                var cluster = new Manifest("postgresql.cnpg.io/v1", "Cluster", Resources.Postgres, Cluster(settings));
                published.AdditionalResources.Add(cluster);
            });

        foreach (var user in users)
        {
            user.WithAuthority(Resources.Postgres, $"{Resources.Postgres}-ca").PublishAsKubernetesService(published =>
            {
                var entries = published.Secret!.StringData;
                entries[$"ConnectionStrings__{Resources.Database}"] = entries[$"ConnectionStrings__{Resources.Database}"]
                    .Replace($"Host={Resources.Postgres}-service", $"Host={Resources.Postgres}-rw", StringComparison.Ordinal)
                    .Replace("Username=postgres", $"Username={Owner}", StringComparison.Ordinal)
                    + ServerTls.Postgres;
            });
        }
    }

    private static void SetLogin(KubernetesResource published, DeploySettings settings)
    {
        if (settings.Secrets == SecretSource.Chart)
        {
            var secret = published.Secret!;
            secret.Metadata.Name = Login;
            secret.Type = "kubernetes.io/basic-auth";
            secret.StringData["username"] = Owner;
            secret.StringData["password"] = secret.StringData["POSTGRES_PASSWORD"];
            secret.StringData.Remove("POSTGRES_PASSWORD");
            return;
        }

        published.Secret = null;
        if (settings.Secrets == SecretSource.External)
        {
            published.AdditionalResources.Add(new Manifest("external-secrets.io/v1", "ExternalSecret", Login, new()
            {
                ["refreshInterval"] = "1h",
                ["secretStoreRef"] = new Map { ["kind"] = "ClusterSecretStore", ["name"] = settings.SecretStore },
                ["target"] = new Map
                {
                    ["name"] = Login,
                    ["creationPolicy"] = "Owner",
                    ["template"] = new Map
                    {
                        ["type"] = "kubernetes.io/basic-auth",

                        // For the operator to fill, so Helm must leave it alone.
                        ["data"] = new Map { ["username"] = Owner, ["password"] = "{{ `{{ .password }}` }}" },
                    },
                },
                ["data"] = new[]
                {
                    new Map { ["secretKey"] = "password", ["remoteRef"] = new Map { ["key"] = $"inference-template/{Resources.PostgresPassword}" } },
                },
            }));
        }
    }

    private static Map Cluster(DeploySettings settings)
    {
        var environment = settings.Environment;
        var storage = new Map { ["size"] = $"{environment.PostgresGibibytes}Gi" };
        if (settings.StorageClass is not null)
        {
            storage["storageClass"] = settings.StorageClass;
        }

        var postgresql = new Map { ["parameters"] = new Map { ["max_connections"] = "400" } };
        if (environment.DatabaseInstances > 1)
        {
            // What was accepted is on two disks; while no replica is there, accepting goes on.
            postgresql["synchronous"] = new Map { ["method"] = "any", ["number"] = 1, ["dataDurability"] = "preferred" };
        }

        return new Map
        {
            ["instances"] = environment.DatabaseInstances,
            ["imageName"] = "ghcr.io/cloudnative-pg/postgresql:18",
            ["enableSuperuserAccess"] = false,
            ["primaryUpdateStrategy"] = "unsupervised",
            ["bootstrap"] = new Map
            {
                ["initdb"] = new Map { ["database"] = Resources.Database, ["owner"] = Owner, ["secret"] = new Map { ["name"] = Login } },
            },
            ["postgresql"] = postgresql,
            ["storage"] = storage,
            ["resources"] = new Map { ["requests"] = Quantity(environment.Postgres.Requests), ["limits"] = Quantity(environment.Postgres.Limits) },
            ["affinity"] = new Map { ["enablePodAntiAffinity"] = true, ["podAntiAffinityType"] = "preferred", ["topologyKey"] = "topology.kubernetes.io/zone" },
            ["inheritedMetadata"] = new Map { ["labels"] = Component.Labels(Resources.Postgres) }, // which network policies select
            ["seccompProfile"] = new Map { ["type"] = "RuntimeDefault" },
            ["stopDelay"] = 120,
        };
    }

    private static Map Quantity(Quantities quantities) => new() { ["cpu"] = quantities.Cpu, ["memory"] = quantities.Memory };
}
