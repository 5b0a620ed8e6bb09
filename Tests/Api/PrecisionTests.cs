using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>One model in two precisions: versions 2 and 3 of digits, by number and by name.</summary>
public sealed class PrecisionTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("2", "2")]
    [InlineData("3", "3")]
    [InlineData("fp32", "2")]
    [InlineData("fp16", "3")]
    public async Task Precision_is_chosen_by_number_or_by_name(string chosen, string version)
    {
        var (model, labels, _) = await ClassifyAsync(chosen);

        Assert.Equal(version, model);
        Assert.Equal(Digits.HeldOut.Count, labels.Length);
    }

    [Fact]
    public async Task Half_precision_answers_as_full_precision_does()
    {
        var (_, full, fullProbabilities) = await ClassifyAsync("fp32");
        var (_, half, halfProbabilities) = await ClassifyAsync("fp16");
        var (_, first, _) = await ClassifyAsync("1");

        Assert.Equal(full, half);
        Assert.InRange(fullProbabilities.Zip(halfProbabilities).Max(p => Math.Abs(p.First - p.Second)), 1e-6, 0.01);
        Assert.True(Right(full) > Right(first), $"{Right(full)} and {Right(first)} of {full.Length} are right");
        Assert.Equal(Right(full), Right(half));
    }

    [Fact]
    public async Task Registry_tells_the_precision_of_each_version()
    {
        using var client = platform.Admin();

        foreach (var (version, precision) in new[] { ("1", "fp32"), ("fp32", "fp32"), ("fp16", "fp16") })
        {
            using var response = await client.GetAsync($"/v1/models/digits/versions/{version}", Cancellation);
            Assert.Equal(precision, (await response.JsonAsync()).GetProperty("labels").GetProperty("precision").GetString());
        }

        using var model = await client.GetAsync("/v1/models/digits", Cancellation);
        Assert.Equal("1", (await model.JsonAsync()).GetProperty("settings").GetProperty("traffic").GetProperty("stable").GetString());
    }

    [Fact]
    public async Task Numbers_categories_and_text_are_taken_in_one_request()
    {
        using var client = platform.Admin();

        using var example = await client.PostAsync("/v2/models/delivery-time/infer", Digits.Json(Delivery.ExampleRequest), Cancellation);
        using var all = await client.PostAsync(
            "/v2/models/delivery-time/infer", Digits.Json(Delivery.Request(Delivery.HeldOut)), Cancellation);

        Assert.Equal(HttpStatusCode.OK, example.StatusCode);
        Assert.Equal(2, (await example.JsonAsync()).Output("minutes").Data<double>().Length);
        Assert.Equal(HttpStatusCode.OK, all.StatusCode);
        var answer = await all.JsonAsync();
        var minutes = answer.Output("minutes").Data<double>();
        Assert.InRange(minutes.Zip(Delivery.HeldOut).Average(p => Math.Abs(p.First - p.Second.Minutes)), 2, 3.5);
        Assert.Equal(minutes.Select(m => m > 45), answer.Output("late").Data<bool>());
    }

    private static int Right(int[] labels) => labels.Zip(Digits.HeldOut).Count(p => p.First == p.Second.Label);

    private async Task<(string? Version, int[] Labels, double[] Probabilities)> ClassifyAsync(string version)
    {
        using var client = platform.Admin();
        using var response = await client.PostAsync(
            $"/v2/models/digits/versions/{version}/infer", Digits.Request(Digits.HeldOut.Select(d => d.Pixels)), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.JsonAsync();
        return (answer.GetProperty("model_version").GetString(), answer.Output("label").Data<int>(),
            answer.Output("probabilities").Data<double>());
    }
}
