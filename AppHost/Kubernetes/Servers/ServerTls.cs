using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

/// <summary>TLS to Postgres and Redis, by certificates that cert-manager makes from an authority of the release.</summary>
internal static class ServerTls
{
    /// <summary>What a connection string gets, so that the server has to prove who it is.</summary>
    public const string Postgres = ";SSL Mode=VerifyFull;Root Certificate=/authorities/postgres/ca.crt";

    /// <summary>The same at the end of an address for libpq, by which backups connect.</summary>
    public const string Libpq = "?sslmode=verify-full&sslrootcert=/authorities/postgres/ca.crt";

    private const string Api = "cert-manager.io/v1";
    private const string Authority = "servers-ca";

    private static readonly string[] s_usages = ["server auth"];

    public static IEnumerable<ChartFile> Authorities() =>
    [
        File("self-signed", new(Api, "Issuer", Component.Named("self-signed", Component.Platform), new() { ["selfSigned"] = new Map() })),
        File("servers-ca-certificate", new(Api, "Certificate", Component.Named(Authority, Component.Platform), new()
        {
            ["isCA"] = true,
            ["commonName"] = Authority,
            ["secretName"] = Authority,
            ["duration"] = "87600h",
            ["issuerRef"] = new Map { ["name"] = "self-signed", ["kind"] = "Issuer" },
        })),
        File("servers-ca",
            new(Api, "Issuer", Component.Named(Authority, Component.Platform), new() { ["ca"] = new Map { ["secretName"] = Authority } })),
    ];

    public static CustomResource Certificate(string server) => new(Api, "Certificate", Component.Named($"{server}-tls", server), new()
    {
        ["secretName"] = $"{server}-tls",
        ["dnsNames"] = new[] { Component.ServiceOf(server), $"{Component.ServiceOf(server)}.{{{{ .Release.Namespace }}}}.svc" },
        ["usages"] = s_usages,
        ["issuerRef"] = new Map { ["name"] = Authority, ["kind"] = "Issuer" },
    });

    private static ChartFile File(string name, CustomResource written) => new($"platform/{name}.yaml", written, Switches.ServerTls);
}
