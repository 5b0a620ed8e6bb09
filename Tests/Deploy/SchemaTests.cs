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
        var ofVault = target.StartsWith("External", StringComparison.Ordinal);
        var objects = await charts.OfAsync(ofVault ? "production secretSource=external" : "production");
        var json = (JsonObject)objects.All.Single(each => each.ToString() == target).Json.DeepClone();
        Assert.Empty(schemas.Errors(new KubernetesObject(json)));
        PolicyTests.Put(json, path, value);

        Assert.Contains(schemas.Errors(new KubernetesObject(json)), error => error.Contains(complaint, StringComparison.Ordinal));
    }

    [Fact]
    public void Objects_of_the_cluster_fit_the_schemas_of_their_kinds()
    {
        var schemas = Schemas();
        var files = Directory.GetFiles(Path.Combine(Repository.Root, "deploy", "cluster"))
            .Where(file => Path.GetFileName(file) != "ingress-nginx.yaml"); // values for a chart
        var objects = files.SelectMany(file => RenderedObjects.Parse(File.ReadAllText(file)).All).ToList();

        var kinds = objects.Select(each => each.Kind).Order(StringComparer.Ordinal);
        Assert.Equal(["ClusterIssuer", "Namespace", "Role", "RoleBinding"], kinds);
        Assert.Empty(objects.SelectMany(schemas.Errors));
    }

    private static SchemaValidator Schemas()
    {
        var schemas = SchemaValidator.Find();
        if (schemas is null) Assert.Skip(SchemaValidator.Absent);
        return schemas;
    }
}
