using System.Text;
using InferenceTemplate.Api.Grpc;

namespace InferenceTemplate.Tests.Unit.Api.Grpc;

public sealed class GrpcErrorTests
{
    [Theory]
    [InlineData("x")]
    [InlineData("ä")]
    [InlineData("%")]
    [InlineData("\n")]
    [InlineData("😀")]
    public void Message_of_any_length_fits_the_trailers_that_clients_take(string character)
    {
        var message = GrpcErrors.Of(400, string.Concat(Enumerable.Repeat(character, 100_000))).Status.Detail;

        Assert.InRange(Uri.EscapeDataString(message).Length, 3_500, 4_200);
        Assert.EndsWith($"{character}...", message, StringComparison.Ordinal);
        Assert.Equal(message, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(message))); // no half of a pair
    }

    [Fact]
    public void Message_that_fits_is_told_as_it_is()
    {
        var message = $"inputs: {new string('n', 4_000)} is not an input of this model";

        Assert.Equal(message, GrpcErrors.Of(400, message).Status.Detail);
    }
}
