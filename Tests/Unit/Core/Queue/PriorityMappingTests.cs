using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Tests.Unit;

public sealed class PriorityMappingTests
{
    [Theory]
    [InlineData(0, Priority.Normal)]
    [InlineData(1, Priority.High)]
    [InlineData(2, Priority.Normal)]
    [InlineData(3, Priority.Low)]
    [InlineData(long.MaxValue, Priority.Low)]
    public void Number_of_the_protocol_maps_to_a_level(long number, Priority priority) =>
        Assert.Equal(priority, Priorities.FromProtocol(number));

    [Theory]
    [InlineData("digits/1", "digits", "1")]
    [InlineData("acme/digits/12", "acme/digits", "12")]
    public void Queue_name_reads_what_it_writes(string text, string model, string version)
    {
        Assert.True(QueueName.TryParse(text, out var name));
        Assert.Equal((model, version, text), (name.Model, name.Version, name.ToString()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("digits")]
    [InlineData("/1")]
    [InlineData("digits/")]
    public void Text_that_is_no_queue_name_is_refused(string? text) => Assert.False(QueueName.TryParse(text, out _));
}
