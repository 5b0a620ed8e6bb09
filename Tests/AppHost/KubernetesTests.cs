#pragma warning disable ASPIREPROBES001 // to find probes where there must be none

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Testing;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>What is published is in Tests/Deploy; here, that nothing else changes for it.</summary>
public sealed class KubernetesTests
{
    [Theory]
    [InlineData]
    [InlineData("--publisher", "manifest")]
    [InlineData("--operation", "publish", "--step", "publish-manifest")]
    [InlineData("--publisher", "manifest", "--Deploy:Database=managed")]
    public async Task Running_and_the_manifest_know_nothing_of_the_cluster(params string[] arguments)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(arguments, TestContext.Current.CancellationToken);

        Assert.Contains(builder.Resources, resource => resource.Name == "postgres");
        Assert.DoesNotContain(builder.Resources, resource => resource is KubernetesEnvironmentResource || resource.Name == "scaling-token");
        Assert.DoesNotContain(
            builder.Resources.SelectMany(resource => resource.Annotations),
            annotation => annotation is ProbeAnnotation or KubernetesServiceCustomizationAnnotation);
    }
}
