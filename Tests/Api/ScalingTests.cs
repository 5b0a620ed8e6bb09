using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class ScalingTests(Platform platform)
{
    private const string Path = "/scaling/workers";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer notthescalingtokennotthescalingtoken")]
    [InlineData("Bearer " + Platform.AdminKey)]
    [InlineData("Basic " + Platform.ScalingToken)]
    public async Task Demand_is_refused_without_the_token_of_the_autoscaler(string? authorization)
    {
        using var client = platform.Anonymous();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync(Path, Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Token_of_the_autoscaler_opens_nothing_else()
    {
        using var client = platform.WithKey(Platform.ScalingToken);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/overview", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Demand_counts_requests_that_no_worker_serves()
    {
        using var queue = await ModelQueue.OpenAsync(platform);
        await queue.RegisterAsync();
        using var callers = platform.Admin();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var calls = Enumerable.Range(0, 3).Select(_ => CallAsync(callers, queue.Model, leave.Token)).ToList();

        var (waiting, workers) = (0L, 0);
        var wait = Wait.For("three requests to wait");
        while (waiting < 3)
        {
            (waiting, workers) = await DemandAsync();
            await wait.PauseAsync();
        }

        Assert.True(workers >= 2, $"{workers} workers");
        await leave.CancelAsync();
        await Task.WhenAll(calls);
    }

    // Until it is waited for no longer.
    private static async Task CallAsync(HttpClient client, string model, CancellationToken cancellation)
    {
        try
        {
            using var response = await client.PostAsync(
                $"/v2/models/{model}/infer", Digits.Request([Digits.HeldOut[0].Pixels]), cancellation);
        }
        catch (OperationCanceledException)
        {
            // It left.
        }
    }

    private async Task<(long Waiting, int Workers)> DemandAsync()
    {
        using var client = platform.Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Platform.ScalingToken);
        using var answer = JsonDocument.Parse(await client.GetStringAsync(Path, Cancellation));
        return (answer.RootElement.GetProperty("waiting").GetInt64(), answer.RootElement.GetProperty("workers").GetInt32());
    }
}
