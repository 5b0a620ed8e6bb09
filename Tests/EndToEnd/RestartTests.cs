using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

public sealed class RestartTests
{
    // By day LocalServerTests show that the servers' second start has the data of the first.
    [Fact, Trait("Tier", "Nightly")]
    public async Task Second_start_has_the_data_of_the_first()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var data = Directory.CreateTempSubdirectory("inference-restart-").FullName;
        try
        {
            await using (var first = new KeptPlatform(data))
            {
                await first.InitializeAsync();
                using var client = first.Admin();
                using var response = await client.PostAsync(
                    "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), cancellation);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            }

            await using var second = new KeptPlatform(data);
            await second.InitializeAsync();
            await using var database = await second.DatabaseAsync();
            await using var count = database.CreateCommand("SELECT count(*) FROM predictions");

            // Written by the first run at the latest when it stopped in good order.
            Assert.Equal(1L, await count.ExecuteScalarAsync(cancellation));
        }
        finally
        {
            Directory.Delete(data, recursive: true);
            await Volumes.RemoveAsync([.. new[] { "postgres-data", "redis-data" }.Select(volume => Platform.VolumeOf(data, volume))]);
        }
    }

    private sealed class KeptPlatform(string data) : Platform(data, keepsData: true);
}
