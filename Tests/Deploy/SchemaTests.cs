using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Schemas;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy;

public sealed class SchemaTests(Charts charts)
{
    public static TheoryData<string, string, string?, string> Breaks => new()
    {
        { "Deployment/api-deployment", "spec.replicaz", "1", "spec.replicaz: not allowed" },
        { "Deployment/api-deployment", "spec.template.spec.containers.0.livenessProbe.httpGet.prot", "8080", "httpGet.prot: not allowed" },
        { "Deployment/api-deployment", "spec.minReadySeconds", "\"5\"", "is string, must be integer" },
        { "Deployment/api-deployment", "spec.selector", null, "has no selector" },
        { "Service/api-service", "spec.ports.0.targetPort", "true", "exactly one of the forms" },
        { "ExternalSecret/inference-secrets", "spec.target.creationPolicy", "\"Mine\"", "is none of" },
        { "ConfigMap/api-config", "data.PORT", "8080", "is integer, must be string" },
        { "ScaledObject/worker-scaler", "spec.triggers.0.kind", "\"x\"", "spec.triggers[0].kind: not allowed" },
        { "ScaledObject/worker-scaler", "spec.triggers.0.metadata.targetValue", "16", "is integer, must be string" },
    };

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task Schema_notices_what_does_not_fit_it(string target, string path, string? value, string complaint)
    {
        var schemas = Schemas();
        var json = (JsonObject)(await charts.OfAsync(target.StartsWith("External", StringComparison.Ordinal) ? "production-managed" : "chart")).All.Single(each => each.ToString() == target).Json.DeepClone();
        Assert.Empty(schemas.Errors(new KubernetesObject(json)));
        if (path.EndsWith("targetValue", StringComparison.Ordinal)) json["spec"]!["triggers"]![0]!["metadata"]!["targetValue"] = JsonNode.Parse(value!);
        else if (path == "data.PORT") json["data"]!["PORT"] = JsonNode.Parse(value!);
        else PolicyTests.Put(json, path, value);

        Assert.Contains(schemas.Errors(new KubernetesObject(json)), error => error.Contains(complaint, StringComparison.Ordinal));
    }

    [Fact]
    public void Objects_of_the_cluster_fit_the_schemas_of_their_kinds()
    {
        var schemas = Schemas();
        var files = Directory.GetFiles(Path.Combine(Charts.Folder, "cluster")).Where(file => Path.GetFileName(file) != "ingress-nginx.yaml");
        var objects = files.SelectMany(file => RenderedObjects.Parse(File.ReadAllText(file)).All).ToList();

        Assert.Equal(["ClusterIssuer", "Namespace", "Role", "RoleBinding"], objects.Select(each => each.Kind).Order(StringComparer.Ordinal));
        Assert.Empty(objects.SelectMany(schemas.Errors));
    }

    private static SchemaValidator Schemas()
    {
        var schemas = SchemaValidator.Find();
        if (schemas is null) Assert.Skip($"{Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared", "schemas"))}, the schemas of Kubernetes 1.33 and of the operators, is not there.");
        return schemas;
    }
}
