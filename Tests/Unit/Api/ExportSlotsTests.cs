using InferenceTemplate.Api.DataRights;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class ExportSlotsTests
{
    [Fact]
    public void Tenant_has_one_export_and_all_together_have_as_many_as_they_may()
    {
        using var slots = new ExportSlots(Options.Create(new DataRightsOptions { MaxExports = 2 }));
        var first = slots.Take("a");
        using var second = slots.Take("b");

        Assert.True(first.IsAcquired);
        Assert.True(second.IsAcquired);
        Assert.False(slots.Take("a").IsAcquired);
        Assert.False(slots.Take("c").IsAcquired);

        first.Dispose();
        Assert.True(slots.Take("c").IsAcquired);
    }
}
