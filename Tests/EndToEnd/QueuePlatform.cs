using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A platform whose calls all go through Redis, as those do whose model no worker has open.</summary>
public sealed class QueuePlatform : Platform
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder) => Apply(builder);

    internal static void Apply(IDistributedApplicationTestingBuilder builder)
    {
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(p => p.Name is "api" or "worker").ToList())
        {
            builder.CreateResourceBuilder(service).WithEnvironment("Direct__Enabled", "false");
        }
    }
}
