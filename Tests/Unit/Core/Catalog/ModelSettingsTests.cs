using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Tests.Unit;

public sealed class ModelSettingsTests
{
    [Fact]
    public void Settings_that_the_stored_json_lacks_are_the_defaults()
    {
        using var database = new InferenceDbContext(new DbContextOptionsBuilder<InferenceDbContext>().UseNpgsql("Host=unused").Options);
        var converter = database.Model.FindEntityType(typeof(Model))!.FindProperty(nameof(Model.Settings))!.GetValueConverter()!;

        var settings = (ModelSettings)converter.ConvertFromProvider("""{"traffic":{"shadow":{"version":"2"}}}""")!;

        Assert.Null(settings.Instances);
        Assert.Empty(settings.Batching.PreferredSizes);
        Assert.Null(settings.Cache);
        Assert.Equal(new ShadowRule("2"), settings.Traffic.Shadow);
    }
}
