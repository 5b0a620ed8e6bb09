using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

[Trait("Tier", "Nightly")]
public sealed class HttpsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Certificate_of_the_api_that_is_replaced_while_it_runs_is_shown_to_the_next_connection()
    {
        using var certificate = new MountedCertificate();
        await certificate.ReplaceAsync();
        await using var redis = new OwnServer();
        await redis.StartRedisAsync("two-tame-ducks", "--port", $"{redis.Port}");
        await using var api = await ApiProcess.StartAsync(
            [
                .. OwnServices.Settings("Host=127.0.0.1;Port=1", $"127.0.0.1:{redis.Port},password=two-tame-ducks"),
                .. certificate.Settings,
            ],
            Cancellation);
        Assert.Equal(certificate.Url, api.Url);
        string? first = null;
        await Wait.UntilAsync(async () => (first = await certificate.ShownAsync(Cancellation)) is not null);

        await certificate.ReplaceAsync();

        await Wait.UntilAsync(async () => await certificate.ShownAsync(Cancellation) is { } second && second != first);
    }
}
