using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>A model of a test's own, inspected and ready.</summary>
internal static class UploadedModel
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <returns>Its name.</returns>
    public static async Task<string> WithVersionsAsync(HttpClient admin, int count)
    {
        var model = $"m{Guid.NewGuid():N}";
        for (var version = 1; version <= count; version++)
        {
            await UploadAsync(admin, model, version);
            await Wait.UntilAsync(async () => await StateAsync(admin, model, version) != "pending");

            Assert.Equal("ready", await StateAsync(admin, model, version));
        }

        await admin.KnownAsync(model);
        return model;
    }

    /// <summary>Each replica hears of a new model a moment later.</summary>
    public static Task KnownAsync(this HttpClient client, string model) => client.OnEachReplicaAsync(
        () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"), response => Task.FromResult(response.IsSuccessStatusCode));

    public static async Task UploadAsync(HttpClient admin, string model, int version)
    {
        using var file = new ByteArrayContent(OnnxFile.Add(10 * version));
        using var uploaded = await admin.PostAsync($"/v1/models/{model}/versions", file, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
    }

    private static async Task<string?> StateAsync(HttpClient admin, string model, int version)
    {
        using var response = await admin.GetAsync($"/v1/models/{model}/versions/{version}", Cancellation);
        return (await response.JsonAsync()).GetProperty("state").GetString();
    }
}
