using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class InferTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Infer_classifies_a_digit()
    {
        using var client = platform.Admin();
        var (pixels, label) = Digits.HeldOut[0];

        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([pixels], id: "seven"), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.JsonAsync();
        Assert.Equal("digits", answer.GetProperty("model_name").GetString());
        Assert.Equal("1", answer.GetProperty("model_version").GetString());
        Assert.Equal("seven", answer.GetProperty("id").GetString());
        Assert.Equal([label], answer.Output("label").Data<int>());
        var probabilities = answer.Output("probabilities").Data<double>();
        Assert.Equal(10, probabilities.Length);
        Assert.Equal(1, probabilities.Sum(), 1e-3);
        Assert.Equal(label, Array.IndexOf(probabilities, probabilities.Max()));
    }

    [Fact]
    public async Task Infer_answers_the_request_of_the_readme()
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Json(Digits.ExampleRequest), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var answer = await response.JsonAsync();
        Assert.Equal([7], answer.Output("label").Data<int>());
    }

    [Fact]
    public async Task Infer_reaches_the_accuracy_that_the_card_states()
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync(
            "/v2/models/digits/versions/1/infer", Digits.Request(Digits.HeldOut.Select(d => d.Pixels)), Cancellation);

        var labels = (await response.JsonAsync()).Output("label").Data<int>();
        Assert.Equal(Digits.HeldOut.Count, labels.Length);
        var right = labels.Zip(Digits.HeldOut).Count(pair => pair.First == pair.Second.Label);
        Assert.True(right >= 0.97 * labels.Length, $"{right} of {labels.Length} are right");
    }

    [Fact]
    public async Task Infer_gives_each_of_many_concurrent_callers_its_own_answer()
    {
        using var client = platform.Admin();

        var calls = Enumerable.Range(0, 200).Select(async i =>
        {
            var (pixels, label) = Digits.HeldOut[i % Digits.HeldOut.Count];
            using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([pixels], id: $"{i}"), Cancellation);
            var answer = await response.JsonAsync();
            Assert.Equal($"{i}", answer.GetProperty("id").GetString());
            return answer.Output("label").Data<int>()[0] == label;
        });
        var right = (await Task.WhenAll(calls)).Count(c => c);

        // Answers that went to the wrong caller would be right one time in ten.
        Assert.True(right >= 190, $"{right} of 200 are right");
    }

    [Fact]
    public async Task Infer_returns_only_the_outputs_that_are_asked_for()
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync(
            "/v2/models/digits/infer",
            Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"outputs\":[{\"name\":\"label\"}],"),
            Cancellation);

        var output = Assert.Single((await response.JsonAsync()).GetProperty("outputs").EnumerateArray());
        Assert.Equal("label", output.GetProperty("name").GetString());
    }

    [Fact]
    public async Task Infer_takes_nested_data_and_data_before_its_datatype()
    {
        using var client = platform.Admin();
        var (pixels, label) = Digits.HeldOut[0];
        var rows = string.Join(',', pixels.Chunk(8).Select(row => $"[{string.Join(',', row)}]"));

        using var response = await client.PostAsync(
            "/v2/models/digits/infer",
            Digits.Json($$"""{"inputs":[{"data":[[{{rows}}]],"shape":[1,8,8],"datatype":"FP32","name":"image"}]}"""),
            Cancellation);

        var answer = await response.JsonAsync();
        Assert.Equal([label], answer.Output("label").Data<int>());
    }

    [Fact]
    public async Task Infer_leaves_an_empty_id_out()
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync(
            "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"id\":\"\","), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False((await response.JsonAsync()).TryGetProperty("id", out _));
    }

    [Fact]
    public async Task Infer_answers_504_when_its_timeout_passes()
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync(
            "/v2/models/digits/infer",
            Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":1},"),
            Cancellation);

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.NotEmpty(await response.ErrorAsync());
    }
}
