using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

/// <summary>TLS to Postgres and Redis, by certificates that cert-manager makes from an authority of the release.</summary>
internal static class ServerTls
{
    /// <summary>Where a server has its certificate.</summary>
    public const string Folder = "/tls";

    /// <summary>What a connection string gets, so that the server has to prove who it is.</summary>
    public const string Postgres = ";SSL Mode=VerifyFull;Root Certificate=/authorities/postgres.crt";

    private const string Authority = "servers-ca";

    public static void UseTls(this IResourceBuilder<PostgresServerResource> postgres, params IResourceBuilder<ProjectResource>[] users)
    {
        postgres.WithCertificate().PublishAsKubernetesService(published =>
        {
            published.Workload!.PodTemplate.Spec.Containers[0].Args.AddRange(
                ["-c", "ssl=on", "-c", $"ssl_cert_file={Folder}/tls.crt", "-c", $"ssl_key_file={Folder}/tls.key", "-c", "ssl_min_protocol_version=TLSv1.2"]);
            published.AdditionalResources.AddRange(Authorities());
        });
        foreach (var user in users)
        {
            user.WithAuthority(Resources.Postgres, CertificateOf(Resources.Postgres)).PublishAsKubernetesService(published =>
                published.Secret!.StringData[$"ConnectionStrings__{Resources.Database}"] += Postgres);
        }
    }

    public static void UseTls(this IResourceBuilder<RedisResource> redis, bool withAuthorities, params IResourceBuilder<ProjectResource>[] users)
    {
        redis.WithCertificate().PublishAsKubernetesService(published =>
        {
            // The last argument is the line that a shell runs.
            published.Workload!.PodTemplate.Spec.Containers[0].Args[^1] +=
                $" --port 0 --tls-port 6379 --tls-cert-file {Folder}/tls.crt --tls-key-file {Folder}/tls.key --tls-ca-cert-file {Folder}/ca.crt --tls-auth-clients no";
            if (withAuthorities)
            {
                published.AdditionalResources.AddRange(Authorities());
            }
        });
        foreach (var user in users)
        {
            user.WithAuthority(Resources.Redis, CertificateOf(Resources.Redis))
                .WithEnvironment("SSL_CERT_DIR", "/authorities:/etc/ssl/certs")
                .PublishAsKubernetesService(published => published.Secret!.StringData[$"ConnectionStrings__{Resources.Redis}"] += ",ssl=true");
        }
    }

    /// <summary>Gives a service the certificate by which it knows the server, and nothing else of that Secret.</summary>
    public static IResourceBuilder<ProjectResource> WithAuthority(this IResourceBuilder<ProjectResource> builder, string server, string secret) =>
        builder.PublishAsKubernetesService(published =>
        {
            var pod = published.Workload!.PodTemplate.Spec;
            pod.Volumes.Add(new VolumeV1 { Name = $"{server}-authority", Secret = new SecretVolumeSourceV1 { SecretName = secret } });
            pod.Containers[0].VolumeMounts.Add(new VolumeMountV1
            {
                Name = $"{server}-authority",
                MountPath = $"/authorities/{server}.crt",
                SubPath = "ca.crt",
                ReadOnly = true,
            });
        });

    private static IResourceBuilder<T> WithCertificate<T>(this IResourceBuilder<T> builder)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            var name = builder.Resource.Name;
            var pod = published.Workload!.PodTemplate.Spec;

            // Postgres refuses a key that others may read: root owns it, and the pod's group reads it.
            pod.Volumes.Add(new VolumeV1 { Name = "tls", Secret = new SecretVolumeSourceV1 { SecretName = CertificateOf(name), DefaultMode = 0x120 } });
            pod.Containers[0].VolumeMounts.Add(new VolumeMountV1 { Name = "tls", MountPath = Folder, ReadOnly = true });
            published.AdditionalResources.Add(new Manifest("cert-manager.io/v1", "Certificate", CertificateOf(name), new()
            {
                ["secretName"] = CertificateOf(name),
                ["dnsNames"] = new[] { published.Service!.Metadata.Name, $"{published.Service.Metadata.Name}.{{{{ .Release.Namespace }}}}.svc" },
                ["usages"] = new List<string> { "server auth" },
                ["issuerRef"] = new Map { ["name"] = Authority, ["kind"] = "Issuer" },
            }));
        });

    private static string CertificateOf(string server) => $"{server}-tls";

    private static IEnumerable<BaseKubernetesResource> Authorities() =>
    [
        new Manifest("cert-manager.io/v1", "Issuer", "self-signed", new() { ["selfSigned"] = new Map() }).OfPlatform(),
        new Manifest("cert-manager.io/v1", "Certificate", Authority, new()
        {
            ["isCA"] = true,
            ["commonName"] = Authority,
            ["secretName"] = Authority,
            ["duration"] = "87600h",
            ["issuerRef"] = new Map { ["name"] = "self-signed", ["kind"] = "Issuer" },
        }).OfPlatform(),
        new Manifest("cert-manager.io/v1", "Issuer", Authority, new() { ["ca"] = new Map { ["secretName"] = Authority } }).OfPlatform(),
    ];
}
