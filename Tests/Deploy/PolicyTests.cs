using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy;

/// <summary>Each policy is broken on purpose, in an object of the production chart, and has to notice.</summary>
public sealed class PolicyTests(Charts charts)
{
    private const string Api = "Deployment/api-deployment";
    private const string Pod = "spec.template.spec";
    private const string Container = "spec.template.spec.containers.0";

    // Object, path within it, and what to put there as JSON; without it the member goes. Then who must complain, and of what.
    public static TheoryData<string, string, string?, string, string> Breaks => new()
    {
        { Api, $"{Pod}.automountServiceAccountToken", "true", "containers are restricted", "token of its service account" },
        { Api, $"{Pod}.serviceAccountName", null, "containers are restricted", "no service account of its own" },
        { "ServiceAccount/api", "automountServiceAccountToken", "true", "containers are restricted", "hands out tokens" },
        { Api, $"{Pod}.hostNetwork", "true", "containers are restricted", "hostNetwork" },
        { Api, $"{Pod}.volumes.0", """{"name":"tmp","hostPath":{"path":"/"}}""", "containers are restricted", "of a kind that is not allowed" },
        { Api, $"{Container}.securityContext.runAsNonRoot", "false", "containers are restricted", "may run as root" },
        { Api, $"{Pod}.securityContext.runAsUser", "0", "containers are restricted", "no user other than root" },
        { Api, $"{Pod}.securityContext.seccompProfile", null, "containers are restricted", "no seccomp profile" },
        { Api, $"{Container}.securityContext.readOnlyRootFilesystem", null, "containers are restricted", "root file system" },
        { Api, $"{Container}.securityContext.allowPrivilegeEscalation", null, "containers are restricted", "escalate" },
        { Api, $"{Container}.securityContext.privileged", "true", "containers are restricted", "is privileged" },
        { Api, $"{Container}.securityContext.capabilities.drop", """["NET_RAW"]""", "containers are restricted", "keeps capabilities" },
        { Api, $"{Container}.securityContext.capabilities.add", """["SYS_ADMIN"]""", "containers are restricted", "adds capabilities" },
        { Api, $"{Container}.ports.0.hostPort", "80", "containers are restricted", "port of its node" },
        { Api, $"{Container}.resources.limits.memory", null, "containers have requests and limits", "no limits of memory" },
        { Api, $"{Container}.resources.requests.cpu", null, "containers have requests and limits", "no requests of cpu" },
        { Api, $"{Container}.startupProbe", null, "containers have three probes", "has no startupProbe" },
        { Api, $"{Container}.livenessProbe.httpGet.scheme", "\"http\"", "containers have three probes", "has the scheme 'http'" },
        { Api, $"{Container}.readinessProbe.httpGet.port", "8081", "containers have three probes", "asks port '8081'" },
        { Api, $"{Container}.readinessProbe.httpGet.path", "\"/alive\"", "containers have three probes", "by the very check" },
        { Api, $"{Container}.startupProbe.failureThreshold", "3", "containers have three probes", "less than 30 seconds" },
        { "StatefulSet/redis-statefulset", $"{Container}.livenessProbe.tcpSocket.port", "6380", "containers have three probes", "asks port '6380'" },
        { "StatefulSet/redis-statefulset", $"{Container}.readinessProbe.exec.command", null, "containers have three probes", "asks nothing" },
        { Api, "spec.selector.matchLabels", """{"app.kubernetes.io/instance":"inference-template"}""", "selectors match", "selects Deployment/api-deployment, " },
        { Api, $"{Pod}.topologySpreadConstraints.0.labelSelector.matchLabels", """{"app":"api"}""", "selectors match", "spread by labels" },
        { "Service/api-service", "spec.selector", """{"app":"api"}""", "selectors match", "selects the pods of 0 workloads" },
        { "PodDisruptionBudget/api-pdb", "spec.selector.matchLabels", """{"app":"api"}""", "selectors match", "selects the pods of 0 workloads" },
        { "NetworkPolicy/api-network", "spec.podSelector.matchLabels", """{"app":"api"}""", "selectors match", "selects no pods" },
        { "HorizontalPodAutoscaler/api-hpa", "spec.scaleTargetRef.name", "\"api\"", "selectors match", "scales Deployment/api, which is not there" },
        { "ScaledObject/worker-scaler", "spec.scaleTargetRef.name", "\"worker\"", "selectors match", "scales Deployment/worker, which is not there" },
        { Api, "spec.replicas", "2", "selectors match", "which HorizontalPodAutoscaler/api-hpa also sets" },
        { "Service/api-service", "spec.ports.0.targetPort", "80", "ports lead somewhere", "leads to port 80" },
        { "Ingress/api-edge", "spec.rules.0.http.paths.0.backend.service.port.name", "\"https\"", "ports lead somewhere", "api-service:https" },
        { "Ingress/api-edge", "spec.rules.0.http.paths.0.backend.service.name", "\"api\"", "ports lead somewhere", "leads to api:http" },
        { Api, $"{Container}.envFrom.0.configMapRef.name", "\"api\"", "references resolve", "refers to ConfigMap/api," },
        { Api, $"{Container}.envFrom.1.secretRef.name", "\"api\"", "references resolve", "refers to Secret/api," },
        { Api, $"{Container}.env", """[{"name":"A","valueFrom":{"secretKeyRef":{"name":"api-secrets","key":"a"}}}]""", "references resolve", "Secret/api-secrets, entry a" },
        { Api, $"{Container}.env", """[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"api-config","key":"a"}}}]""", "references resolve", "ConfigMap/api-config, entry a" },
        { Api, $"{Pod}.volumes.0", """{"name":"tmp","secret":{"secretName":"tls"}}""", "references resolve", "refers to Secret/tls," },
        { "StatefulSet/postgres-statefulset", $"{Pod}.volumes.0.persistentVolumeClaim.claimName", "\"data\"", "references resolve", "PersistentVolumeClaim/data" },
        { "TriggerAuthentication/worker-scaling", "spec.secretTargetRef.0.key", "\"token\"", "references resolve", "Secret/api-secrets, entry token" },
        { "ConfigMap/api-config", "data.Auth__JwtSigningKey", "\"abc\"", "secrets are in Secrets only", "its entry Auth__JwtSigningKey" },
        { "ConfigMap/api-config", "data.REDIS_PASSWORD", "\"abc\"", "secrets are in Secrets only", "its entry REDIS_PASSWORD" },
        { "ConfigMap/api-config", "data.ADDRESS", "\"redis://:abc@redis:6379\"", "secrets are in Secrets only", "its entry ADDRESS" },
        { "ConfigMap/api-config", "data.NOTE", $"\"see {Charts.Secret}\"", "secrets are in Secrets only", "given as a secret" },
        { Api, $"{Container}.env", """[{"name":"DATABASE","value":"Host=h;Password=abc"}]""", "secrets are in Secrets only", "its variable DATABASE" },
        { Api, $"{Container}.env", """[{"name":"DATABASE","value":"Host=$(HOST);Password=abc"}]""", "secrets are in Secrets only", "its variable DATABASE" },
        { "NetworkPolicy/default-deny", "spec.podSelector", """{"matchLabels":{"app":"api"}}""", "networks admit the topology and no more", "certificate solver: no policy limits its Egress" },
        { "NetworkPolicy/api-network", "spec.ingress.0.from.0", """{"namespaceSelector":{}}""", "networks admit the topology and no more", "namespace/any -> api:8080/TCP: admitted, but" },
        { "NetworkPolicy/api-network", "spec.ingress.0.from", null, "networks admit the topology and no more", "anybody -> api:8080/TCP: admitted, but" },
        { "NetworkPolicy/api-network", "spec.ingress.0.ports", null, "networks admit the topology and no more", " -> api:any: admitted" },
        { "NetworkPolicy/redis-network", "spec.ingress", null, "networks admit the topology and no more", "api -> redis:6379/TCP: admitted at its beginning only" },
        //#if (web)
        { "NetworkPolicy/web-network", "spec.egress.0", null, "networks admit the topology and no more", "web -> api:8080/TCP: admitted at its end only" },
        //#endif
        { "NetworkPolicy/api-network", "spec.ingress.3", null, "networks admit the topology and no more", "namespace/keda -> api:8080/TCP: needed, but not admitted" },
        { "PodDisruptionBudget/api-pdb", "spec.selector.matchLabels", """{"app":"api"}""", "updates lose nothing", "no disruption budget" },
        { Api, $"{Pod}.terminationGracePeriodSeconds", "40", "updates lose nothing", "is killed before" },
        { Api, $"{Container}.lifecycle", null, "updates lose nothing", "stops listening while" },
        { Api, "spec.strategy.rollingUpdate.maxUnavailable", "1", "updates lose nothing", "takes pods away" },
        { Api, $"{Pod}.topologySpreadConstraints.0", null, "updates lose nothing", "not spread over topology.kubernetes.io/zone" },
        { Api, "spec.template.metadata.annotations.checksum/config", null, "updates lose nothing", "when ConfigMap/api-config changes" },
        { Api, "spec.template.metadata.annotations.checksum/secrets", "\"\"", "updates lose nothing", "when Secret/api-secrets changes" },
        { "Ingress/api-edge", "spec.tls", null, "ingresses have TLS", "no certificate for api.inference-template.example.com" },
        { "Ingress/api-edge", "spec.rules.0.host", null, "ingresses have TLS", "answers for any host" },
        { "Ingress/api-edge", "metadata.annotations.cert-manager.io/cluster-issuer", null, "ingresses have TLS", "nobody issues" },
        { "Ingress/api-edge", "metadata.annotations.nginx.ingress.kubernetes.io/force-ssl-redirect", null, "ingresses have TLS", "answers plain HTTP" },
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task Policy_notices_what_breaks_it(string target, string path, string? value, string policy, string complaint)
    {
        var objects = (await charts.OfAsync("chart")).All.Select(each => (JsonObject)each.Json.DeepClone()).ToList();
        Put(objects.Single(json => new KubernetesObject(json).ToString() == target), path, value);

        var violations = Policy.All.Single(each => each.Name == policy).Violations(new RenderedObjects(objects), ChartTests.Expected("")).ToList();

        Assert.Contains(violations, violation => violation.Contains(complaint, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_policy_is_broken_by_something() =>
        Assert.Equal(Policy.All.Select(policy => policy.Name).Order(StringComparer.Ordinal), Breaks.Select(row => row.Data.Item4).Distinct().Order(StringComparer.Ordinal));

    // Keys of annotations have dots themselves, so what follows "annotations" or "data" is one key.
    internal static void Put(JsonObject json, string path, string? value)
    {
        var parts = path.Split('.').ToList();
        var map = parts.FindIndex(part => part is "annotations" or "data");
        if (map >= 0) parts = [.. parts[..(map + 1)], string.Join('.', parts[(map + 1)..])];
        JsonNode parent = json;
        foreach (var part in parts[..^1]) parent = parent is JsonArray items ? items[int.Parse(part, System.Globalization.CultureInfo.InvariantCulture)]! : parent[part]!;
        var content = value is null ? null : JsonNode.Parse(value);
        switch (parent)
        {
            case JsonArray items:
                var index = int.Parse(parts[^1], System.Globalization.CultureInfo.InvariantCulture);
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
