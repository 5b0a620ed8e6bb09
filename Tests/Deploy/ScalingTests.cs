using System.Globalization;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy;

public sealed class ScalingTests(Charts charts)
{
    [Fact]
    public async Task Api_has_3_to_50_replicas_by_processor_and_memory_and_goes_down_slowly()
    {
        var scaler = (await charts.OfAsync("chart")).Find("HorizontalPodAutoscaler", "api-hpa")!.Spec;

        Assert.Equal((3, 50), (scaler.Number("minReplicas"), scaler.Number("maxReplicas")));
        Assert.Equal(["cpu 70", "memory 80"], scaler.Items("metrics").Select(metric => $"{metric.Text("resource", "name")} {metric.Text("resource", "target", "averageUtilization")}"));
        Assert.Equal(300, scaler.Number("behavior", "scaleDown", "stabilizationWindowSeconds"));
    }

    [Fact]
    public async Task Workers_follow_the_queue_by_the_endpoint_of_the_api()
    {
        var objects = await charts.OfAsync("chart");
        var scaler = objects.Find("ScaledObject", "worker-scaler")!.Spec;
        var trigger = Assert.Single(scaler.Items("triggers"));

        Assert.Equal("metrics-api", trigger.Text("type"));
        Assert.Equal("AverageValue", trigger.Text("metricType"));
        Assert.Equal("http://api-service.inference-template.svc.cluster.local:8080/scaling/workers", trigger.Text("metadata", "url"));
        Assert.Equal("waiting", trigger.Text("metadata", "valueLocation"));
        Assert.Equal("bearer", trigger.Text("metadata", "authMode"));
        Assert.NotNull(objects.Find("TriggerAuthentication", trigger.Text("authenticationRef", "name")));
        Assert.Equal(300, scaler.Number("advanced", "horizontalPodAutoscalerConfig", "behavior", "scaleDown", "stabilizationWindowSeconds"));
        Assert.True(scaler.Number("fallback", "replicas") > 0);
    }

    [Theory]
    [InlineData("chart", 2)]
    [InlineData("staging", 0)]
    [InlineData("development", 0)]
    public async Task Idle_workers_go_where_the_environment_lets_them(string name, int least) =>
        Assert.Equal(least, (await charts.OfAsync(name)).Find("ScaledObject", "worker-scaler")!.Spec.Number("minReplicaCount"));

    [Theory]
    //#if (cuda)
    [InlineData("chart", "1", 1)]
    [InlineData("staging", "1", 4)] // spot nodes have a taint of their own, each cloud another
    //#endif
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
        var objects = await charts.OfAsync("chart");
        var drain = TimeSpan.Parse(objects.Find("ConfigMap", "worker-config")!.Json.Text("data", "Worker__DrainTimeout"), CultureInfo.InvariantCulture);

        Assert.True(objects.Pods.Single(pods => pods.Component == "worker").Spec.Number("terminationGracePeriodSeconds") > drain.TotalSeconds);
    }

    [Theory]
    [InlineData("chart")]
    [InlineData("staging")]
    [InlineData("development")]
    public async Task Quota_holds_every_replica_at_its_most(string name)
    {
        var objects = await charts.OfAsync(name);
        var quota = objects.Find("ResourceQuota", "quota")!.Spec;
        long Needed(string kind, string resource) => objects.Pods.Sum(pods => Most(pods, objects) * Number(pods.Containers.Single().Text("resources", kind, resource)));

        foreach (var (kind, resource) in new[] { ("requests", "cpu"), ("requests", "memory"), ("limits", "cpu"), ("limits", "memory") })
        {
            Assert.True(Number(quota.Text("hard", $"{kind}.{resource}")) > Needed(kind, resource), $"{kind}.{resource}");
        }

        Assert.True(quota.At("hard").Text("pods") is { } pods && Number(pods) > objects.Pods.Sum(each => Most(each, objects)));
    }

    [Fact]
    public async Task Recommended_sizes_are_not_applied()
    {
        var objects = await charts.WithAsync("--Deploy:Mesh=linkerd --Deploy:Recommendations=true --Deploy:Gpu=spot");

        Assert.Equal(3, objects.OfKind("VerticalPodAutoscaler").Count());
        Assert.All(objects.OfKind("VerticalPodAutoscaler"), each => Assert.Equal("Off", each.Spec.Text("updatePolicy", "updateMode")));
    }

    private static long Most(Pods pods, RenderedObjects objects) => pods.Component switch
    {
        "api" => objects.Find("HorizontalPodAutoscaler", "api-hpa")!.Spec.Number("maxReplicas"),
        "worker" => objects.Find("ScaledObject", "worker-scaler")!.Spec.Number("maxReplicaCount"),
        _ => pods.Owner.Spec.Number("replicas"),
    } ?? 1;

    private static long Number(string quantity) => long.Parse(quantity.TrimEnd('m', 'M', 'i'), CultureInfo.InvariantCulture);
}
