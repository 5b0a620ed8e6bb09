using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Worker;

/// <summary>docs/configuration.md has a table of every options class of the Worker, as the code has it.</summary>
public sealed class ConfigurationPageTests
{
    [Fact]
    public void Page_has_what_the_options_classes_have() => Assert.Empty(OptionsTables.Outdated());

    [Fact]
    public void Page_has_every_options_class() => Assert.Empty(OptionsTables.Types.Keys.Except(OptionsTables.Listed()));

    [Fact]
    public void Every_setting_is_explained() => Assert.Empty(OptionsTables.Unexplained());
}
