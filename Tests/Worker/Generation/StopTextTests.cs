using InferenceTemplate.Worker.Generation;

namespace InferenceTemplate.Tests.Worker.Generation;

public sealed class StopTextTests
{
    [Theory]
    [InlineData("a b c", new[] { "X" }, "a b c", false)]
    [InlineData("one STOP two", new[] { "STOP" }, "one ", true)]
    [InlineData("one STO two STOP", new[] { "STOP" }, "one STO two ", true)]
    [InlineData("aaab", new[] { "aab" }, "a", true)]
    [InlineData("xyz", new[] { "z", "yz" }, "x", true)]
    [InlineData("ends with ST", new[] { "STOP" }, "ends with ST", false)]
    [InlineData("STOP", new[] { "STOP" }, "", true)]
    public void Text_ends_before_the_first_stop_wherever_it_is_cut(string text, string[] stops, string expected, bool found)
    {
        foreach (var size in Enumerable.Range(1, text.Length))
        {
            var (stop, taken) = (new StopText(stops), "");
            foreach (var piece in text.Chunk(size).Select(c => new string(c)).TakeWhile(_ => !stop.Found))
            {
                taken += stop.Take(piece);
                Assert.DoesNotContain(stops, s => taken.Contains(s, StringComparison.Ordinal));
            }

            Assert.Equal((expected, found), (taken + stop.Rest(), stop.Found));
        }
    }

    [Fact]
    public void Nothing_is_held_back_that_can_be_no_beginning_of_a_stop() => Assert.Equal("abc", new StopText(["STOP"]).Take("abc"));
}
