using System.Globalization;
using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>Each policy is broken on purpose, in an object of the production chart, and has to notice.</summary>
public sealed class PolicyTests(Charts charts)
{
    private const string Api = "Deployment/api-deployment";
    private const string Postgres = "StatefulSet/postgres-statefulset";
    private const string Redis = "StatefulSet/redis-statefulset";
    private const string ApiNetwork = "NetworkPolicy/api-network";
    private const string Label = "app.kubernetes.io";
    private const string Edge = "Ingress/api-edge";
    private const string Pod = "spec.template.spec";
    private const string Container = "spec.template.spec.containers.0";

    // The names of the policies.
    private const string Restricted = "containers are restricted";
    private const string Sized = "containers have requests and limits";
    private const string Probed = "containers have three probes";
    private const string Selecting = "selectors match";
    private const string Leading = "ports lead somewhere";
    private const string Resolving = "references resolve";
    private const string Secret = "secrets are in Secrets only";
    private const string Networks = "networks admit the topology and no more";
    private const string Available = "updates lose nothing";
    private const string Encrypted = "ingresses have TLS";

    // Object, path within it, and what to put there as JSON; without it the member goes. Then who must complain, and of what.
    public static TheoryData<string, string, string?, string, string> Breaks => new()
    {
        { Api, $"{Pod}.automountServiceAccountToken", "true", Restricted, "token of its service account" },
        { Api, $"{Pod}.serviceAccountName", null, Restricted, "no service account of its own" },
        { "ServiceAccount/api", "automountServiceAccountToken", "true", Restricted, "hands out tokens" },
        { Api, $"{Pod}.hostNetwork", "true", Restricted, "hostNetwork" },
        { Api, $"{Pod}.volumes.0", """{"name":"tmp","hostPath":{"path":"/"}}""", Restricted, "of a kind that is not allowed" },
        { Api, $"{Container}.securityContext.runAsNonRoot", "false", Restricted, "may run as root" },
        { Api, $"{Pod}.securityContext.runAsUser", "0", Restricted, "no user other than root" },
        { Api, $"{Pod}.securityContext.seccompProfile", null, Restricted, "no seccomp profile" },
        { Api, $"{Container}.securityContext.readOnlyRootFilesystem", null, Restricted, "root file system" },
        { Api, $"{Container}.securityContext.allowPrivilegeEscalation", null, Restricted, "escalate" },
        { Api, $"{Container}.securityContext.privileged", "true", Restricted, "is privileged" },
        { Api, $"{Container}.securityContext.capabilities.drop", """["NET_RAW"]""", Restricted, "keeps capabilities" },
        { Api, $"{Container}.securityContext.capabilities.add", """["SYS_ADMIN"]""", Restricted, "adds capabilities" },
        { Api, $"{Container}.ports.0.hostPort", "80", Restricted, "port of its node" },
        { Api, $"{Container}.resources.limits.memory", null, Sized, "no limits of memory" },
        { Api, $"{Container}.resources.requests.cpu", null, Sized, "no requests of cpu" },
        { Api, $"{Container}.startupProbe", null, Probed, "has no startupProbe" },
        { Api, $"{Container}.livenessProbe.httpGet.scheme", "\"http\"", Probed, "has the scheme 'http'" },
        { Api, $"{Container}.readinessProbe.httpGet.port", "9999", Probed, "asks port '9999'" },
        { Api, $"{Container}.readinessProbe.httpGet.path", "\"/alive\"", Probed, "by the very check" },
        { Api, $"{Container}.startupProbe.failureThreshold", "3", Probed, "less than 30 seconds" },
        { Redis, $"{Container}.livenessProbe.tcpSocket.port", "6380", Probed, "asks port '6380'" },
        { Redis, $"{Container}.readinessProbe.exec.command", null, Probed, "asks nothing" },
        { Api, "spec.selector.matchLabels", $$"""{"{{Label}}/instance":"inference-template"}""", Selecting, "selects Deployment/api-" },
        { Api, $"{Pod}.topologySpreadConstraints.0.labelSelector.matchLabels", """{"app":"api"}""", Selecting, "spread by labels" },
        { "Service/api-service", "spec.selector", """{"app":"api"}""", Selecting, "selects the pods of 0 workloads" },
        { "PodDisruptionBudget/api-pdb", "spec.selector.matchLabels", """{"app":"api"}""", Selecting, "selects the pods of 0 workloads" },
        { ApiNetwork, "spec.podSelector.matchLabels", """{"app":"api"}""", Selecting, "selects no pods" },
        { "HorizontalPodAutoscaler/api-hpa", "spec.scaleTargetRef.name", "\"api\"", Selecting, "scales Deployment/api, which" },
        { "ScaledObject/worker-scaler", "spec.scaleTargetRef.name", "\"worker\"", Selecting, "scales Deployment/worker, which" },
        { Api, "spec.replicas", "2", Selecting, "which HorizontalPodAutoscaler/api-hpa also sets" },
        { "Service/api-service", "spec.ports.0.targetPort", "80", Leading, "leads to port 80" },
        { Edge, "spec.rules.0.http.paths.0.backend.service.port.name", "\"https\"", Leading, "api-service:https" },
        { Edge, "spec.rules.0.http.paths.0.backend.service.name", "\"api\"", Leading, "leads to api:http" },
        { Api, $"{Container}.envFrom.0.configMapRef.name", "\"api\"", Resolving, "refers to ConfigMap/api," },
        { Api, $"{Container}.envFrom.1.secretRef.name", "\"api\"", Resolving, "refers to Secret/api," },
        { Api, $"{Container}.env", Variable("secretKeyRef", "api-secrets"), Resolving, "Secret/api-secrets, entry a" },
        { Api, $"{Container}.env", Variable("configMapKeyRef", "api-config"), Resolving, "ConfigMap/api-config, entry a" },
        { Api, $"{Pod}.volumes.0", """{"name":"tmp","secret":{"secretName":"tls"}}""", Resolving, "refers to Secret/tls," },
        { Postgres, $"{Pod}.volumes.0.persistentVolumeClaim.claimName", "\"data\"", Resolving, "PersistentVolumeClaim/data" },
        { "TriggerAuthentication/worker-scaling", "spec.secretTargetRef.0.key", "\"token\"", Resolving, "Secret/api-secrets, entry token" },
        { "ConfigMap/api-config", "data.Auth__JwtSigningKey", "\"abc\"", Secret, "its entry Auth__JwtSigningKey" },
        { "ConfigMap/api-config", "data.REDIS_PASSWORD", "\"abc\"", Secret, "its entry REDIS_PASSWORD" },
        { "ConfigMap/api-config", "data.ADDRESS", "\"redis://:abc@redis:6379\"", Secret, "its entry ADDRESS" },
        { "ConfigMap/api-config", "data.NOTE", $"\"see {Charts.Secret}\"", Secret, "given as a secret" },
        { Api, $"{Container}.env", """[{"name":"DATABASE","value":"Host=h;Password=abc"}]""", Secret, "its variable DATABASE" },
        { Api, $"{Container}.env", """[{"name":"DATABASE","value":"Host=$(HOST);Password=abc"}]""", Secret, "its variable DATABASE" },
        { "NetworkPolicy/default-deny", "spec.podSelector.matchLabels", """{"app":"api"}""", Networks, "solver: no policy limits its E" },
        { ApiNetwork, "spec.ingress.0.from.0", """{"namespaceSelector":{}}""", Networks, "namespace/any -> api:8080/TCP: admitted" },
        { ApiNetwork, "spec.ingress.0.from", null, Networks, "anybody -> api:8080/TCP: admitted, but" },
        { ApiNetwork, "spec.ingress.0.ports", null, Networks, " -> api:any: admitted" },
        { "NetworkPolicy/redis-network", "spec.ingress", null, Networks, "api -> redis:6379/TCP: admitted at its beginning only" },
        { ApiNetwork, "spec.ingress.4", null, Networks, "namespace/keda -> api:8080/TCP: needed, but not admitted" },
        { "PodDisruptionBudget/api-pdb", "spec.selector.matchLabels", """{"app":"api"}""", Available, "no disruption budget" },
        { Api, $"{Pod}.terminationGracePeriodSeconds", "75", Available, "is killed before" },
        { Api, $"{Container}.lifecycle", null, Available, "stops listening while" },
        { Api, "spec.strategy.rollingUpdate.maxUnavailable", "1", Available, "takes pods away" },
        { Api, $"{Pod}.topologySpreadConstraints.0", null, Available, "not spread over topology.kubernetes.io/zone" },
        { Api, "spec.template.metadata.annotations.checksum/config", null, Available, "when ConfigMap/api-config changes" },
        { Api, "spec.template.metadata.annotations.checksum/secrets", "\"\"", Available, "when Secret/api-secrets changes" },
        { Edge, "spec.tls", null, Encrypted, "no certificate for api.inference-template.example.com" },
        { Edge, "spec.rules.0.host", null, Encrypted, "answers for any host" },
        { Edge, "metadata.annotations.cert-manager.io/cluster-issuer", null, Encrypted, "nobody issues" },
        { Edge, "metadata.annotations.nginx.ingress.kubernetes.io/force-ssl-redirect", null, Encrypted, "answers plain HTTP" },
    };

    public static TheoryData<string, string, string?, string, string> BreaksOfTheDashboard => Repository.HasDashboard
        ? new() { { "NetworkPolicy/web-network", "spec.egress.0", null, Networks, "web -> api:8080/TCP: admitted at its end only" } }
        : [];

    [Theory]
    [MemberData(nameof(Breaks))]
    [MemberData(nameof(BreaksOfTheDashboard))]
    public async Task Policy_notices_what_breaks_it(string target, string path, string? value, string policy, string complaint)
    {
        var objects = (await charts.OfAsync("production")).All.Select(each => (JsonObject)each.Json.DeepClone()).ToList();
        Put(objects.Single(json => new KubernetesObject(json).ToString() == target), path, value);

        var broken = Policy.All.Single(each => each.Name == policy);
        var violations = broken.Violations(new RenderedObjects(objects), ChartTests.Expected("production")).ToList();

        Assert.Contains(violations, violation => violation.Contains(complaint, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_policy_is_broken_by_something() =>
        Assert.Equal(
            Policy.All.Select(policy => policy.Name).Order(StringComparer.Ordinal),
            Breaks.Select(row => row.Data.Item4).Distinct().Order(StringComparer.Ordinal));

    private static string Variable(string source, string name) =>
        $$$"""[{"name":"A","valueFrom":{"{{{source}}}":{"name":"{{{name}}}","key":"a"} } }]""";

    private static int Index(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    // Keys of annotations have dots themselves, so what follows "annotations" or "data" is one key.
    internal static void Put(JsonObject json, string path, string? value)
    {
        var parts = path.Split('.').ToList();
        var map = parts.FindIndex(part => part is "annotations" or "data");
        if (map >= 0) parts = [.. parts[..(map + 1)], string.Join('.', parts[(map + 1)..])];
        JsonNode parent = json;
        foreach (var part in parts[..^1]) parent = parent is JsonArray items ? items[Index(part)]! : parent[part]!;
        var content = value is null ? null : JsonNode.Parse(value);
        switch (parent)
        {
            case JsonArray items:
                var index = Index(parts[^1]);
                if (content is null) items.RemoveAt(index);
                else items[index] = content;
                break;
            case JsonObject members when content is null:
                Assert.True(members.Remove(parts[^1]), $"There is no {path} to take away.");
                break;
            default:
                parent[parts[^1]] = content;
                break;
        }
    }
}
