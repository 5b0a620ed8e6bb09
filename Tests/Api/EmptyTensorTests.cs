using System.Net;
using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Tensors without elements, over which some operators end the process: a model gets those that it has run on.</summary>
public sealed class EmptyTensorTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tensor_that_would_end_a_worker_is_refused_and_one_that_would_not_is_answered()
    {
        using var client = platform.Admin();
        var model = $"m{Guid.NewGuid():N}";
        using (var file = new ByteArrayContent(OnnxModel.DiesOfEmptyLines))
        {
            using var uploaded = await client.PostAsync($"/v1/models/{model}/versions", file, Cancellation);
            Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        }

        await Wait.UntilAsync(async () => await StatusAsync(client, model, "[2,1,3]", "1,2,3,4,5,6") == HttpStatusCode.OK);
        await client.KnownAsync(model);
        using (var empty = await InferAsync(client, model, "[2,0,3]"))
        {
            Assert.Equal(HttpStatusCode.OK, empty.StatusCode);
            Assert.Equal("[2,0,0]", (await empty.JsonAsync()).Output("y").GetProperty("shape").GetRawText());
        }

        foreach (var job in (bool[])[false, true])
        {
            using var refused = await InferAsync(client, model, "[2,5,0]", job: job);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.StartsWith(
                "inputs['x'].shape: dimension 2 is 0, and the model did not run on that",
                await refused.ErrorAsync(),
                StringComparison.Ordinal);
        }

        await client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string model, string shape, string data = "")
    {
        using var response = await InferAsync(client, model, shape, data);
        return response.StatusCode;
    }

    private static async Task<HttpResponseMessage> InferAsync(
        HttpClient client, string model, string shape, string data = "", bool job = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v2/models/{model}/infer")
        {
            Content = new StringContent(
                $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":{{shape}},"data":[{{data}}]}]}""", Encoding.UTF8, "application/json"),
        };
        if (job)
        {
            request.Headers.Add("Prefer", "respond-async");
        }

        return await client.SendAsync(request, Cancellation);
    }
}
