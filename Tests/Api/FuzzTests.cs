using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>
/// Requests that nobody means, over HTTP. They name inputs that the model lacks, so that what can be read is refused too, and no worker is
/// kept busy. The parser alone gets many more in Tests/Unit.
/// </summary>
public sealed class FuzzTests(Platform platform)
{
    private const int Requests = 3_000;
    private const int AtOnce = 8;

    private static readonly (byte[] Body, string? Header)[] Seeds =
    [
        Json("""{"id":"x","inputs":[{"name":"ghost","shape":[1,2,2],"datatype":"FP32","data":[1,2.5,-3e2,4]}],"outputs":[{"name":"label"}]}"""),
        Json("""{"inputs":[{"data":[[[0,1],[2,3]]],"name":"ghost","datatype":"INT8","shape":[1,2,2]}],"parameters":{"priority":1,"timeout":500}}"""),
        Json("""{"inputs":[{"name":"a","shape":[3],"datatype":"BYTES","data":["p","\u00e9\n","z"]},{"name":"b","shape":[3],"datatype":"BOOL","data":[true,false,true]}]}"""),
        Binary("""{"inputs":[{"name":"ghost","shape":[1,2,2],"datatype":"FP32","parameters":{"binary_data_size":16}}]}""", new byte[16]),
        Binary("""{"inputs":[{"name":"h","shape":[2],"datatype":"FP16","parameters":{"binary_data_size":4}}],"parameters":{"binary_data_output":true}}""", [0, 60, 0, 124]),
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(20261121)]
    [InlineData(77)]
    public async Task Infer_answers_every_mutated_request_with_200_or_a_4xx_and_its_reason(int seed)
    {
        var mutations = new Mutations(seed);
        var requests = Enumerable.Range(0, Requests).Select(i => (Number: i, Mutated: mutations.Next(Seeds))).ToList();
        var before = await ReplicasAsync();
        using var client = platform.Admin();

        await Parallel.ForEachAsync(
            requests,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation },
            async (request, cancellation) =>
            {
                var (body, header) = request.Mutated;
                using var message = new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer")
                {
                    Content = new ByteArrayContent(body),
                };
                if (header is not null)
                {
                    message.Headers.Add("Inference-Header-Content-Length", header);
                }

                using var response = await client.SendAsync(message, cancellation);
                var status = (int)response.StatusCode;
                var name = string.Create(
                    CultureInfo.InvariantCulture,
                    $"seed {seed}, request {request.Number}, header '{header}', body {Convert.ToBase64String(body)}: {status}");
                Assert.True(response.StatusCode == HttpStatusCode.OK || status is >= 400 and < 500, name);
                if (status != 200)
                {
                    Assert.False(string.IsNullOrWhiteSpace(await response.ErrorAsync()), name);
                }
            });

        // The same processes as before: none was lost on the way.
        Assert.Equal(before, await ReplicasAsync());
    }

    private async Task<List<string>> ReplicasAsync()
    {
        using var client = platform.Admin();
        var wait = Wait.For("two replicas in the overview");
        while (true)
        {
            using var response = await client.GetAsync("/v1/overview", Cancellation);
            List<string> replicas =
                [.. (await response.JsonAsync()).GetProperty("apis").EnumerateArray().Select(Name).Order(StringComparer.Ordinal)];
            if (replicas.Count == 2)
            {
                return replicas;
            }

            await wait.PauseAsync();
        }

        static string Name(JsonElement api) => $"{api.GetProperty("id").GetString()} {api.GetProperty("started").GetString()}";
    }

    private static (byte[] Body, string? Header) Json(string json) => (Encoding.UTF8.GetBytes(json), null);

    private static (byte[] Body, string? Header) Binary(string json, byte[] tensors)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        return ([.. bytes, .. tensors], $"{bytes.Length}");
    }
}
