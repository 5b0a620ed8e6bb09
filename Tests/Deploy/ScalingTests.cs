using System.Globalization;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy;

public sealed class ScalingTests(Charts charts)
{
    [Fact]
    public async Task Api_has_3_to_50_replicas_by_processor_and_memory_and_goes_down_slowly()
    {
        var scaler = (await charts.OfAsync("production")).Find("HorizontalPodAutoscaler", "api-hpa")!.Spec;

        Assert.Equal((3, 50), (scaler.Number("minReplicas"), scaler.Number("maxReplicas")));
        var metrics = scaler.Items("metrics").Select(metric => metric.At("resource"));
        var targets = metrics.Select(metric => $"{metric.Text("name")} {metric.Text("target", "averageUtilization")}");
        Assert.Equal(["cpu 70", "memory 80"], targets);
        Assert.Equal(300, scaler.Number("behavior", "scaleDown", "stabilizationWindowSeconds"));
    }

    [Fact]
    public async Task Workers_follow_the_queue_by_the_endpoint_of_the_api()
    {
        var objects = await charts.OfAsync("production");
        var scaler = objects.Find("ScaledObject", "worker-scaler")!.Spec;
        var trigger = Assert.Single(scaler.Items("triggers"));

        Assert.Equal("metrics-api", trigger.Text("type"));
        Assert.Equal("AverageValue", trigger.Text("metricType"));
        Assert.Equal("http://api-service.inference-template.svc.cluster.local:8080/scaling/workers", trigger.Text("metadata", "url"));
        Assert.Equal("waiting", trigger.Text("metadata", "valueLocation"));
        Assert.Equal("bearer", trigger.Text("metadata", "authMode"));
        Assert.NotNull(objects.Find("TriggerAuthentication", trigger.Text("authenticationRef", "name")));
        var behavior = scaler.At("advanced", "horizontalPodAutoscalerConfig", "behavior");
        Assert.Equal(300, behavior.Number("scaleDown", "stabilizationWindowSeconds"));
        Assert.True(scaler.Number("fallback", "replicas") > 0);
    }

    [Theory]
    [InlineData("production", 2)]
    [InlineData("staging", 0)]
    [InlineData("development", 0)]
    public async Task Idle_workers_go_where_the_environment_lets_them(string name, int least) =>
        Assert.Equal(least, (await charts.OfAsync(name)).Find("ScaledObject", "worker-scaler")!.Spec.Number("minReplicaCount"));

    [Theory]
    [InlineData("production", "1", 1)]
    [InlineData("staging", "1", 4)] // spot nodes have a taint of their own, each cloud another
    [InlineData("development", "", 0)]
    public async Task Worker_gets_a_gpu_where_the_environment_has_some(string name, string gpus, int tolerations)
    {
        var worker = (await charts.OfAsync(name)).Pods.Single(pods => pods.Component == "worker");

        Assert.Equal(gpus, worker.Containers.Single().Text("resources", "limits", "nvidia.com/gpu"));
        Assert.Equal(tolerations, worker.Spec.Items("tolerations").Count());
        Assert.Equal(gpus.Length > 0 ? "true" : "", worker.Spec.Text("nodeSelector", "nvidia.com/gpu.present"));
    }

    [Fact]
    public async Task Worker_has_longer_to_end_than_its_drain_takes()
    {
        var objects = await charts.OfAsync("production");
        var drain = TimeSpan.Parse(objects.Entry("worker-config", "Worker__DrainTimeout"), CultureInfo.InvariantCulture);

        Assert.True(objects.PodsOf("worker").Spec.Number("terminationGracePeriodSeconds") > drain.TotalSeconds);
    }

    [Theory]
    [InlineData("production")]
    [InlineData("staging")]
    [InlineData("development")]
    public async Task Quota_holds_every_replica_at_its_most(string name)
    {
        var objects = await charts.OfAsync(name);
        var quota = objects.Find("ResourceQuota", "quota")!.Spec;
        decimal Needed(string kind, string resource) =>
            objects.Pods.Sum(pods => Most(pods, objects) * Quantity.Parse(pods.Containers.Single().Text("resources", kind, resource)));

        foreach (var (kind, resource) in new[] { ("requests", "cpu"), ("requests", "memory"), ("limits", "cpu"), ("limits", "memory") })
        {
            Assert.True(Quantity.Parse(quota.Text("hard", $"{kind}.{resource}")) > Needed(kind, resource), $"{kind}.{resource}");
        }

        Assert.True(quota.At("hard").Text("pods") is { } pods && Quantity.Parse(pods) > objects.Pods.Sum(each => Most(each, objects)));
    }

    [Fact]
    public async Task Recommended_sizes_are_not_applied()
    {
        var objects = await charts.OfAsync("production recommendations=true");

        Assert.Equal(objects.OfKind("Deployment").Count(), objects.OfKind("VerticalPodAutoscaler").Count());
        Assert.All(objects.OfKind("VerticalPodAutoscaler"), each => Assert.Equal("Off", each.Spec.Text("updatePolicy", "updateMode")));
    }

    private static long Most(Pods pods, RenderedObjects objects) => pods.Component switch
    {
        "api" => objects.Find("HorizontalPodAutoscaler", "api-hpa")!.Spec.Number("maxReplicas"),
        "worker" => objects.Find("ScaledObject", "worker-scaler")!.Spec.Number("maxReplicaCount"),
        _ => pods.Owner.Spec.Number("replicas"),
    } ?? 1;
}
