using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.OpenAi;

/// <summary>Clients of OpenAI read the message of <c>error</c>, and tell of anything else that it had no body.</summary>
public sealed class OpenAiErrorTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/v1/models/no-such", 404, "There is no model 'no-such'.", "model_not_found")]
    [InlineData("POST", "/v1/responses", 404, "Not Found: POST /v1/responses", "unknown_url")]
    [InlineData("POST", "/v1/audio/speech", 404, "Not Found: POST /v1/audio/speech", "unknown_url")]
    public async Task Problem_of_their_paths_has_the_error_of_openai_too(
        string method, string path, int status, string message, string code)
    {
        using var client = platform.Admin();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(status, (int)response.StatusCode);
        await HoldsAsync(response, message, code);
    }

    [Fact]
    public async Task Stranger_is_told_of_the_key_where_models_are_listed()
    {
        using var client = platform.WithKey("nobody_secret");

        using var response = await client.GetAsync("/v1/models", Cancellation);

        Assert.Equal(401, (int)response.StatusCode);
        await HoldsAsync(response, "the API key is unknown", "invalid_api_key");
    }

    [Fact]
    public async Task Problem_of_another_path_is_none_of_openai()
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync($"/v1/jobs/{Guid.NewGuid()}", Cancellation);

        Assert.Equal(404, (int)response.StatusCode);
        Assert.False((await response.JsonAsync()).TryGetProperty("error", out _));
    }

    private static async Task HoldsAsync(HttpResponseMessage response, string message, string code)
    {
        var problem = await response.JsonAsync();
        var error = problem.GetProperty("error");
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(problem.GetProperty("detail").GetString(), error.GetProperty("message").GetString());
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal(JsonValueKind.String, problem.GetProperty("traceId").ValueKind);
    }
}
