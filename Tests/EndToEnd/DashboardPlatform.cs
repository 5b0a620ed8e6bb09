using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>One platform for all tests that only look at pages, with the Aspire dashboard beside it.</summary>
[CollectionDefinition]
public sealed class DashboardPlatform : Platform, ICollectionFixture<DashboardPlatform>
{
    protected override bool HasAspireDashboard => true;
}
