using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Apart from all others, whose questions about requests would take too long as well.</summary>
[CollectionDefinition(nameof(SlowQuestionTests), DisableParallelization = true)]
[Collection(nameof(SlowQuestionTests))]
public sealed class SlowQuestionTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Question_that_takes_too_long_is_ended_with_what_to_ask_instead()
    {
        using var client = platform.Admin();
        await using var database = await platform.DatabaseAsync();
        await using var connection = await database.OpenConnectionAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var hold = connection.CreateCommand();
        hold.CommandText = "LOCK TABLE predictions IN ACCESS EXCLUSIVE MODE";
        await hold.ExecuteNonQueryAsync(Cancellation);

        using var response = await client.GetAsync("/v1/requests", Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(
            "from, to: reading took longer than 5 s; ask for a shorter time",
            (await response.JsonAsync()).GetProperty("detail").GetString());
    }
}
